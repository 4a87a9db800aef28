/** Whether a host that runs already is as an experiment wants it. */
import { ANY_CPU, type Fault, faultName, isMessageFault } from "@vmcslab/faults";
import { type Credentials, FaultClient, type HostInfo, type L0Client } from "@vmcslab/runtime";
import { UnavailableError, UsageError } from "../../errors.js";
import { nanoseconds } from "../../experiment/units.js";
import { isDoneOutside } from "../../faults/means.js";
import type { HostProcesses } from "../../faults/processes.js";
import type { TargetOptions } from "../target.js";
import { answered } from "./answered.js";

/** How many CPUs it has. Throws UsageError, with what to start the host with, and UnavailableError for one that is not complete. */
export async function checkHost(l0: L0Client, options: TargetOptions): Promise<number> {
  const cpus = answered("L0", await l0.listCpus());
  const away = cpus.filter(({ state }) => state !== "online");
  if (away.length > 0) {
    const states = away.map(({ cpu, state }) => `CPU ${cpu} is ${state}`);
    throw new UnavailableError(`the host is not complete: ${states.join(", ")}`);
  }
  const { cpus: wanted, cpuModel } = options;
  if (cpus.length < wanted) {
    throw new UsageError(`the experiment wants ${wanted} CPUs, the host has ${cpus.length}: --cpus ${cpus.length}`);
  }
  const [other] = cpus.filter(({ model }) => cpuModel !== undefined && model !== cpuModel);
  if (other !== undefined) {
    throw new UsageError(`the experiment wants CPU model ${cpuModel}, CPU ${other.cpu} of the host is ${other.model}`);
  }
  const host = answered("L0", await l0.host());
  checkDesign(host, options);
  checkPolicy(host, options);
  checkJournal(host, options);
  const vcpus = answered("L0", await l0.listVcpus());
  if (vcpus.length > 0)
    throw new UsageError(
      `the host is in use: it has ${vcpus.length} vcpus. Destroy them, or begin anew: docker compose down --volumes`,
    );
  return cpus.length;
}

/** What it is built of is measured, so another design is another experiment. */
function checkDesign({ design: has }: HostInfo, { design: wanted }: TargetOptions): void {
  for (const [key, part, variable] of DESIGN_PARTS) {
    if (has[part] === wanted[part]) continue;
    throw new UsageError(
      `the experiment wants machine.${key} ${wanted[part]}, L0 of the host has ${has[part]}: start it with ${variable}=${wanted[part]} docker compose up --wait, or --set machine.${key}=${has[part]}`,
    );
  }
}

const DESIGN_PARTS = [
  ["design", "vmcs02", "DESIGN"],
  ["preparation", "preparation", "PREPARATION"],
  ["clearing", "clearing", "CLEARING"],
] as const;

/** Where nothing is done to the host and nothing is said, any policy will do. */
function checkPolicy(host: HostInfo, { lostCpu, lease, faults }: TargetOptions): void {
  if (lostCpu === "wait" && faults.length === 0) return;
  const leaseMs = lostCpu === "wait" ? 0 : nanoseconds(lease) / 1e6;
  if (host.lostCpu === lostCpu && host.leaseMs === leaseMs) return;
  const described = (policy: string, ms: number): string =>
    policy === "wait" ? "wait" : `${policy} with a lease of ${ms} ms`;
  const variables = lostCpu === "wait" ? "LOST_CPU=wait" : `LOST_CPU=${lostCpu} CPU_LEASE=${lease}`;
  throw new UsageError(
    `the experiment wants machine.lostCpu ${described(lostCpu, leaseMs)}, L0 of the host has ${described(host.lostCpu, host.leaseMs)}: start it with ${variables} docker compose up --wait`,
  );
}

function checkJournal(host: HostInfo, { journal, faults }: TargetOptions): void {
  if (!faults.some(({ action }) => action.kind === "crashL0")) return;
  if (journal !== undefined && host.journal === "none")
    throw new UsageError(
      "the experiment kills L0, and that of the host keeps no journal: start it with JOURNAL=nats docker compose up --wait, or --set machine.journal=none",
    );
  if (journal === undefined && host.journal !== "none")
    throw new UsageError(
      `machine.journal: none, and L0 of the host keeps one (${host.journal}): start it with JOURNAL=none docker compose up --wait, or --set machine.journal=file`,
    );
}

/** Throws UsageError for faults that L0 or a CPU would refuse, with their reasons. */
export async function checkFaults(
  l0Address: string,
  credentials: Credentials,
  { faults, cpus }: TargetOptions,
  processes: HostProcesses | undefined,
): Promise<void> {
  const client = new FaultClient(l0Address, credentials, "l0");
  try {
    const lines: string[] = [];
    for (const [index, fault] of faults.entries()) {
      if (isDoneOutside(fault, processes)) continue;
      for (const one of onEachCpu(fault, cpus)) {
        const answer = await client.check(one);
        if (answer.ok) continue;
        const { code, message } = answer.error;
        if (code !== "failedPrecondition" && code !== "invalidArgument")
          throw new UnavailableError(`L0 does not take faults: ${message}`);
        lines.push(`fault ${faultName(fault, index)}: ${message}`);
      }
    }
    if (lines.length > 0) throw new UsageError([...new Set(lines)].join("\n"));
  } finally {
    client.close();
  }
}

/** A fault of any CPU may become one of each. Its name is that of the run's fault, which no service has yet. */
function onEachCpu(fault: Fault, cpus: number): Fault[] {
  if (isMessageFault(fault) || !("cpu" in fault.action) || fault.action.cpu !== ANY_CPU)
    return [{ ...fault, name: undefined }];
  const { action } = fault;
  return Array.from({ length: cpus }, (_, cpu) => ({ ...fault, name: undefined, action: { ...action, cpu } }));
}
