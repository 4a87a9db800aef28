/** A host that docker compose brought up: where it answers, and what can be done to its containers. */
import { type Fault, isMessageFault } from "@vmcslab/faults";
import { type Credentials, checkHealth, L0Client, systemClock } from "@vmcslab/runtime";
import { UsageError } from "../../errors.js";
import { ComposeProcesses } from "./compose-processes.js";
import { type Container, findContainers } from "./containers.js";
import { whyNoFilter } from "./packet-filter.js";

export interface ComposeHost {
  /** host:port of L0 and trace, as they are published on this machine. */
  readonly l0Address: string;
  readonly traceAddress: string;
  readonly containers: ReadonlyMap<string, Container>;
}

/** A container that was started again and cannot be used by then is left to those who wait for the whole host. */
const UP_TIMEOUT_MS = 10_000;
const INTERVAL_MS = 100;
const HEALTH_TIMEOUT_MS = 1000;

/** Throws UsageError for a project that is no host, UnavailableError where docker does not answer. */
export async function composeHost(project: string): Promise<ComposeHost> {
  if (process.platform === "win32")
    throw new UsageError("--compose needs a shell to end faults by their leases, which Windows has not: use --attach");
  const containers = await findContainers(project);
  const published = (name: string): string => {
    const address = containers.get(name)?.published;
    if (address !== undefined) return address;
    throw new UsageError(
      `${name} of the compose project "${project}" is not published on this machine: docker compose up --wait`,
    );
  };
  return { l0Address: published("l0"), traceAddress: published("trace"), containers };
}

/** Throws UsageError for what cannot be done to these containers. `notes` is told by which means things are done. */
export async function composeProcesses(
  { containers, l0Address }: ComposeHost,
  credentials: Credentials,
  faults: readonly Fault[],
  notes: string[],
): Promise<ComposeProcesses> {
  const does = (kind: Fault["action"]["kind"]): boolean => faults.some(({ action }) => action.kind === kind);
  for (const cpu of faults.flatMap(namedCpu))
    if (!containers.has(`cpu${cpu}`)) throw new UsageError(`the compose project has no cpu${cpu}`);
  if (does("crashL0") && containers.get("l0")?.isPortDrawn === true)
    throw new UsageError(
      "crashL0: L0's port on this machine is drawn anew whenever its container starts, and nobody would find it again: give one, as in L0_PORT=17000 docker compose up --wait",
    );
  const cpu0 = containers.get("cpu0");
  let canCut = false;
  if (does("partition") && cpu0 !== undefined) {
    const why = await whyNoFilter(cpu0);
    canCut = why === undefined;
    notes.push(
      canCut
        ? "partition: packets are dropped in the CPU's network namespace"
        : `partition: L0 loses the messages, since packets cannot be dropped from here: ${why}`,
    );
  }
  return new ComposeProcesses({
    ...{ containers, canCut },
    note: (text) => notes.push(text),
    up: (name) => isUp(name, l0Address, credentials),
  });
}

function namedCpu(fault: Fault): number[] {
  if (isMessageFault(fault) || !("cpu" in fault.action) || fault.action.cpu === "any") return [];
  return [fault.action.cpu];
}

/** Before, there is nothing to lose: a fault that follows would have nothing to strike. */
async function isUp(name: string, l0Address: string, credentials: Credentials): Promise<void> {
  const client = new L0Client(l0Address, credentials);
  const cpu = Number(name.replace("cpu", ""));
  const holds = async (): Promise<boolean> => {
    if (name === "l0") return (await checkHealth(l0Address, HEALTH_TIMEOUT_MS, credentials)) === "SERVING";
    const answer = await client.listCpus();
    return answer.ok && answer.value.some((known) => known.cpu === cpu && known.state === "online");
  };
  const endNs = systemClock.monoNs() + UP_TIMEOUT_MS * 1e6;
  try {
    while (systemClock.monoNs() < endNs && !(await holds())) await systemClock.sleep(INTERVAL_MS);
  } finally {
    client.close();
  }
}
