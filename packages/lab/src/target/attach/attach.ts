/** The attached target: a host that runs already, in containers or wherever, and goes on running after the experiment. */
import type { HostCounters } from "@vmcslab/nested";
import { Credentials, checkHealth, L0Client, systemClock, TraceClient } from "@vmcslab/runtime";
import { UnavailableError } from "../../errors.js";
import type { Host } from "../../host.js";
import { composeHost, composeProcesses } from "../compose/compose-host.js";
import type { ComposeProcesses } from "../compose/compose-processes.js";
import { composeCredentials } from "../compose/credentials.js";
import { grpcHost } from "../grpc-host.js";
import { Injector } from "../injector.js";
import type { FaultTarget, RunningTarget, Settlement, SourcePosition, TargetOptions } from "../target.js";
import { endsOf, furthestOf, isSameLife, waitUntilTraced } from "../traced.js";
import { waitForCpus } from "../wait-for-cpus.js";
import { answered } from "./answered.js";
import { checkFaults, checkHost } from "./check-host.js";
import { type CopiedHistory, copyHistory } from "./copy-history.js";

/** Where L0 and trace answer (host:port); or a project of docker compose, which says so itself where nothing else is said, and whose containers faults are done to. */
export type AttachOptions = {
  /** What is shown there. Default: nothing; of a compose project, what its containers have for people. */
  readonly credentials?: Credentials;
} & (
  | { readonly l0Address: string; readonly traceAddress: string; readonly project?: undefined }
  | { readonly l0Address?: string; readonly traceAddress?: string; readonly project: string }
);

/** Addresses, and what can be done to processes from outside. */
interface Attached {
  readonly l0Address: string;
  readonly traceAddress: string;
  readonly credentials: Credentials;
  readonly processes: ComposeProcesses | undefined;
  readonly notes: string[];
}

/** What was there when the run began. */
interface Beginning {
  readonly hostName: string;
  /** How many CPUs it has. */
  readonly cpus: number;
  readonly counters: HostCounters;
  /** Of lives that go on, and of the last ones of sources that are gone. */
  readonly positions: readonly SourcePosition[];
  /** Lives that were over. */
  readonly over: readonly SourcePosition[];
}

/** Docker waits longer and longer before it starts a container again that died often. */
const WHOLE_TIMEOUT_MS = 60_000;
const COMPLETE_TIMEOUT_MS = 10_000;
const COMPLETE_PAUSE_MS = 250;
const INTERVAL_MS = 100;
const HEALTH_TIMEOUT_MS = 1000;

/**
 * Attaches to a host that nobody uses: there are no vcpus. Every CPU is taken out of use and back, so that the history of the run begins with nothing active
 * and says so itself. Throws UsageError for a host that is not as the experiment wants it, UnavailableError for one that does not answer.
 */
export async function attachToHost(attach: AttachOptions, options: TargetOptions): Promise<RunningTarget> {
  const attached = await reach(attach, options);
  const { l0Address, traceAddress, credentials } = attached;
  const l0 = new L0Client(l0Address, credentials);
  const trace = new TraceClient(traceAddress, credentials);
  try {
    const beginning = await patiently(() => begin(l0, trace, attached, options));
    const host = grpcHost(l0Address, credentials);
    const injector = new Injector({ hostName: beginning.hostName }, traceAddress, credentials);
    return {
      mode: "attached",
      host: { ...host, createVcpu: (request) => host.createVcpu({ poolSize: options.poolSize, ...request }) },
      faults: faultTarget(l0, attached, beginning, injector),
      countersBefore: beginning.counters,
      // The host is not ours: whoever runs it sees to its services. What breaks fails the operations.
      broken: new Promise(() => undefined),
      settle: async () => await settle(l0, trace, beginning, await injector.settle(), options.historyDir),
      stop: async () => {
        await injector.close();
        await detach(host, l0, trace);
      },
    };
  } catch (thrown) {
    l0.close();
    trace.close();
    throw credentials.usesTls ? thrown : withHint(thrown);
  }
}

async function reach(attach: AttachOptions, { faults }: TargetOptions): Promise<Attached> {
  const notes: string[] = [];
  if (attach.project === undefined) {
    const { l0Address, traceAddress, credentials = Credentials.none } = attach;
    const dies = faults.some(({ action }) => action.kind === "crash" || action.kind === "crashL0");
    if (dies) notes.push("crash: services kill themselves; whoever runs the host decides when they start again");
    return { l0Address, traceAddress, credentials, processes: undefined, notes };
  }
  const host = await composeHost(attach.project);
  const credentials = attach.credentials ?? (await composeCredentials(host));
  const processes = faults.length === 0 ? undefined : await composeProcesses(host, credentials, faults, notes);
  const { l0Address = host.l0Address, traceAddress = host.traceAddress } = attach;
  return { l0Address, traceAddress, credentials, processes, notes };
}

function faultTarget(
  l0: L0Client,
  { l0Address, traceAddress, credentials, processes, notes }: Attached,
  { cpus }: Beginning,
  injector: Injector,
): FaultTarget {
  return {
    ...{ l0Address, credentials, notes, emit: injector.emit },
    ...(processes === undefined ? {} : { processes }),
    whole: async () => {
      await waitForCpus(l0Address, cpus, systemClock, { timeoutMs: WHOLE_TIMEOUT_MS, credentials });
      await waitUntilAllAnswer(l0, [l0Address, traceAddress], credentials);
    },
  };
}

/** Ends when L0 and trace serve and every source says where it stands. */
async function waitUntilAllAnswer(l0: L0Client, addresses: readonly string[], credentials: Credentials): Promise<void> {
  const endNs = systemClock.monoNs() + WHOLE_TIMEOUT_MS * 1e6;
  let state = "";
  while (systemClock.monoNs() < endNs) {
    const health = await Promise.all(addresses.map((address) => checkHealth(address, HEALTH_TIMEOUT_MS, credentials)));
    const flushed = await l0.flushHost();
    if (health.every((status) => status === "SERVING") && flushed.ok && flushed.value.silent.length === 0) return;
    state = flushed.ok
      ? `health ${health.join(", ")}; silent: ${flushed.value.silent.join(", ") || "nobody"}`
      : flushed.error.message;
    await systemClock.sleep(INTERVAL_MS);
  }
  throw new UnavailableError(`L0 and trace do not serve after ${WHOLE_TIMEOUT_MS / 1_000} s (${state})`);
}

/** A server that wants TLS only breaks the connection of a client that does not. */
function withHint(thrown: unknown): unknown {
  if (!(thrown instanceof UnavailableError)) return thrown;
  return new UnavailableError(`${thrown.message}. If it asks who calls, give --tls-dir (docs/security.md)`);
}

async function detach(host: Host, l0: L0Client, trace: TraceClient): Promise<void> {
  await host.close();
  l0.close();
  trace.close();
}

/** A host that has just come up, or whose CPUs' leases end on a machine under load, is complete a moment later. */
async function patiently<T>(attempt: () => Promise<T>): Promise<T> {
  const endNs = systemClock.monoNs() + COMPLETE_TIMEOUT_MS * 1e6;
  for (;;) {
    try {
      return await attempt();
    } catch (thrown) {
      if (!(thrown instanceof UnavailableError) || systemClock.monoNs() > endNs) throw thrown;
    }
    await systemClock.sleep(COMPLETE_PAUSE_MS);
  }
}

async function begin(
  l0: L0Client,
  trace: TraceClient,
  { l0Address, credentials, processes }: Attached,
  options: TargetOptions,
): Promise<Beginning> {
  const cpus = await checkHost(l0, options);
  await checkFaults(l0Address, credentials, options, processes);
  const { positions, silent } = answered("L0", await l0.flushHost());
  if (silent.length > 0) throw new UnavailableError(`${silent.join(", ")} did not say how many events there are`);
  const { sources } = await waitUntilTraced(trace, positions, [], systemClock);
  const over = sources.filter((life) => !positions.some((position) => isSameLife(position, life)));
  for (const { cpu } of answered("L0", await l0.listCpus())) {
    answered("L0", await l0.offlineCpu(cpu));
    answered("L0", await l0.onlineCpu(cpu));
  }
  const { host, counters } = answered("L0", await l0.host());
  const gone = lastOfSources(over.filter((life) => life.host === host)).filter(
    ({ source }) => !positions.some((position) => position.source === source),
  );
  return { hostName: host, cpus, counters, positions: [...positions, ...gone], over };
}

/** The latest life of each source. */
function lastOfSources(lives: readonly SourcePosition[]): SourcePosition[] {
  const last = new Map<string, SourcePosition>();
  for (const { host, source, incarnation, published } of lives)
    if ((last.get(source)?.incarnation ?? -1) < incarnation) last.set(source, { host, source, incarnation, published });
  return [...last.values()];
}

async function settle(
  l0: L0Client,
  trace: TraceClient,
  { hostName, positions: beginnings, over }: Beginning,
  ofFaults: readonly SourcePosition[],
  historyDir: string,
): Promise<Settlement> {
  const { positions: ofHost, silent } = answered("L0", await l0.flushHost());
  const positions = [...ofHost, ...ofFaults];
  const { sources } = await waitUntilTraced(trace, positions, silent, systemClock);
  const history = await copyHistory(trace.history(hostName), { beginnings, ends: positions }, historyDir);
  // The host goes on: a life that began after its source had said where it stands is not of this run.
  const isLater = ({ source, incarnation }: SourcePosition): boolean =>
    positions.some((position) => position.source === source && position.incarnation < incarnation);
  const ofRun = sources.filter(
    (life) => life.host === hostName && !isLater(life) && !over.some((other) => isSameLife(other, life)),
  );
  const { ended, unended } = endsOf(ofRun, positions, silent);
  const events = countEvents(positions, beginnings, history);
  return { events, positions: [...ended, ...positions], silent, unended, beginnings };
}

function countEvents(
  positions: readonly SourcePosition[],
  beginnings: readonly SourcePosition[],
  { stored, lives }: CopiedHistory,
): Settlement["events"] {
  const begun = (life: Omit<SourcePosition, "published">) =>
    beginnings.find(({ source, incarnation }) => source === life.source && incarnation === life.incarnation)
      ?.published ?? 0;
  const published = furthestOf(positions, lives).reduce((sum, life) => sum + life.published - begun(life), 0);
  return { published, stored, lost: published - stored };
}
