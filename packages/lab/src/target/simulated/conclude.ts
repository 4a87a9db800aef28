import type { Answer, Hypervisor, Operation } from "@vmcslab/nested";
import type { SimHost } from "@vmcslab/sim";

/** Virtual time in which a host without faults must have settled: many deadlines, leases and retries. */
const SETTLE_NS = 60_000_000_000;
const BEATS = 3;

/**
 * The workload has ended: so do the faults. Every CPU must come back, every operation end, and every vcpu go whose workload could not destroy it. What does not is told in words.
 */
export function conclude(sim: SimHost): readonly string[] {
  const { scheduler } = sim;
  sim.faults.healAll();
  if (sim.faults.injected > 0) {
    // What was delayed is still on its way, and a lease may be about to end because of it; a few beats later all that is over.
    sim.runUntil(Math.max(scheduler.nowNs, sim.network.latestArrivalNs) + BEATS * sim.options.beatNs, () => false);
  }
  const isSettled = (): boolean => sim.isWhole && sim.open === 0 && sim.l0?.inFlight === 0;
  if (!sim.runUntil(scheduler.nowNs + SETTLE_NS, isSettled)) return [describeUnsettled(sim)];
  const left = sim.hypervisor?.listVcpus() ?? [];
  return left.flatMap(({ vcpu }) => {
    const answer = runOne(sim, (hypervisor) => hypervisor.destroyVcpu(vcpu));
    if (answer?.ok === true) return [];
    return [`vcpu ${vcpu} could not be destroyed at the end: ${answer?.error.message ?? "that did not end"}`];
  });
}

/** One operation on a host that has settled; undefined: it did not end. */
function runOne(sim: SimHost, begin: (hypervisor: Hypervisor) => Operation<void>): Answer<void> | undefined {
  let answer: Answer<void> | undefined;
  sim.start(begin, (ended) => {
    answer = ended;
  });
  sim.runUntil(sim.scheduler.nowNs + SETTLE_NS, () => answer !== undefined && sim.l0?.inFlight === 0);
  return answer;
}

function describeUnsettled({ cpus, l0, open }: SimHost): string {
  const absent = cpus.filter(
    ({ cpu, isAlive, incarnation }) => !isAlive || l0?.isRegistered(cpu, incarnation) !== true,
  );
  const away = absent.length === 0 ? "" : `; not back are ${absent.map(({ cpu }) => `CPU ${cpu}`).join(", ")}`;
  return `the host did not settle when its faults had ended: ${open + (l0?.inFlight ?? 0)} operations are open${away}`;
}
