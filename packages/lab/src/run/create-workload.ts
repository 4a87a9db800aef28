/** From an experiment to the workload that it asks for. */
import type { Experiment } from "../experiment/schema.js";
import { replayWorkload } from "../replay/replay-workload.js";
import { roundRobinWorkload } from "../workload/round-robin.js";
import type { Workload } from "../workload/workload.js";

/** Throws UsageError when the capture of the experiment cannot be replayed. */
export async function createWorkload({ workload, machine }: Experiment, seed: number): Promise<Workload> {
  if ("kvmTrace" in workload) return await replayWorkload(workload, machine.cpus);
  return roundRobinWorkload(workload, machine.vcpus, seed);
}
