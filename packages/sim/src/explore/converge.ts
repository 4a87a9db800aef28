import type { Answer, Hypervisor, Operation } from "@vmcslab/nested";
import type { SimHost } from "../host/sim-host.js";
import type { ExplorerRule } from "./run-plan.js";

type Report = (rule: ExplorerRule, message: string) => void;

/** Virtual time in which a host without faults must have settled: many deadlines, leases and retries. */
const SETTLE_NS = 400_000_000;

const BEATS = 3;

/**
 * The faults are over. `acknowledged`: vcpus that there must be. Every CPU must come back, every operation end, and work go on: each vcpu is moved and destroyed, and nothing may be left of it.
 */
export function converge(host: SimHost, report: Report, acknowledged: readonly number[]): void {
  const { scheduler } = host;
  host.faults.healAll();
  // What was delayed is still on its way, and a lease may be about to end because of it; a few beats later all that is over.
  host.runUntil(Math.max(scheduler.nowNs, host.network.latestArrivalNs) + BEATS * host.options.beatNs, () => false);
  const settled = (): boolean =>
    host.open === 0 && host.l0?.inFlight === 0 && (host.isWhole || host.hypervisor?.state.crashed === true);
  if (!host.runUntil(scheduler.nowNs + SETTLE_NS, settled)) {
    report("not-converged", describeUnsettled(host));
    return;
  }
  // What crash clear-all must have achieved, the sanitizer judges.
  if (host.hypervisor?.state.crashed === true) return;
  for (const { cpu } of host.cpus) if (!must(host, `online of CPU ${cpu}`, (l0) => l0.onlineCpu(cpu), report)) return;
  const vcpus = host.hypervisor?.listVcpus() ?? [];
  // One that was killed destroys itself where it can.
  if (host.options.config.lostVmcs !== "kill") {
    const lost = acknowledged.find((vcpu) => !vcpus.some((listed) => listed.vcpu === vcpu));
    if (lost !== undefined)
      report("vcpu-lost", `vcpu ${lost} was created, nobody destroyed it, and L0 does not know it`);
  }
  for (const { vcpu } of vcpus) {
    const to = vcpu % host.cpus.length;
    const isKilled = host.hypervisor?.state.vcpus.get(vcpu)?.killed === true;
    if (!isKilled && !must(host, `move of vcpu ${vcpu}`, (l0) => l0.placeVcpu(vcpu, to), report)) return;
    if (!must(host, `destruction of vcpu ${vcpu}`, (l0) => l0.destroyVcpu(vcpu), report)) return;
  }
  checkNothingLeft(host, report);
}

/** One operation on a host without faults: it has to succeed. */
function must(
  host: SimHost,
  what: string,
  begin: (hypervisor: Hypervisor) => Operation<unknown>,
  report: Report,
): boolean {
  let answer: Answer<unknown> | undefined;
  host.start(begin, (ended) => {
    answer = ended;
  });
  host.runUntil(host.scheduler.nowNs + SETTLE_NS, () => answer !== undefined);
  if (answer?.ok === true) return true;
  report("not-converged", `${what}: ${answer === undefined ? "did not end" : answer.error.message}`);
  return false;
}

function describeUnsettled(host: SimHost): string {
  const absent = host.cpus.filter(
    ({ cpu, isAlive, incarnation }) => !isAlive || host.l0?.isRegistered(cpu, incarnation) !== true,
  );
  const cpus = absent.length === 0 ? "" : `; CPU ${absent.map(({ cpu }) => cpu).join(", ")} is not back`;
  return `${host.open + (host.l0?.inFlight ?? 0)} operations have not ended${cpus}`;
}

function checkNothingLeft(host: SimHost, report: Report): void {
  const allocator = host.hypervisor?.state.allocator;
  if (allocator === undefined) return;
  // Each CPU keeps its VMXON region.
  const pages = allocator.pagesInUse - host.cpus.length;
  if (pages !== 0 || allocator.nodesInUse !== 0)
    report("leak", `${pages} pages and ${allocator.nodesInUse} pool entries are still allocated`);
  for (const { cpu, processor } of host.cpus) {
    const active = processor.activeVmcss();
    if (active.length > 0) report("leak", `${active.length} VMCSs are still active on CPU ${cpu}`);
  }
}
