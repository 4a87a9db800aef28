/** From an experiment to the workload that it asks for. */
import type { Experiment } from "../experiment/schema.js";
import { replayWorkload } from "../replay/replay-workload.js";
import { migrateWorkload } from "../workload/migrate.js";
import { roundRobinWorkload } from "../workload/round-robin.js";
import { teardownWorkload } from "../workload/teardown.js";
import type { Workload } from "../workload/workload.js";

/** Throws UsageError when the capture of the experiment cannot be replayed. */
export async function createWorkload({ workload, machine }: Experiment, seed: number): Promise<Workload> {
  const { cpus, vcpus } = machine;
  if ("kvmTrace" in workload) return await replayWorkload(workload, cpus);
  if ("migrate" in workload) return migrateWorkload(workload, vcpus, cpus, seed);
  if ("teardown" in workload) return teardownWorkload(workload, vcpus, seed);
  return roundRobinWorkload(workload, vcpus, seed);
}
