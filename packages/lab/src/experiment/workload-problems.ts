/** What is wrong with a workload that no single value shows, and what several places want to know of any. */
import type { Problem } from "./issues.js";
import type { Experiment } from "./schema.js";
import { parseRate } from "./units.js";
import type { LoadEntry, WorkloadEntry } from "./workload-schema.js";

type Judged = Pick<Experiment, "workload" | "machine">;

export function workloadProblems({ workload, machine }: Judged): Problem[] {
  if ("migrate" in workload && machine.cpus < 2)
    return [{ path: ["workload", "migrate"], message: "a vcpu needs a CPU to move to: set machine.cpus to 2 or more" }];
  if ("teardown" in workload) return teardownProblems(workload.teardown, machine);
  return [];
}

function teardownProblems(
  { l2Guests, spread }: Extract<WorkloadEntry, { readonly teardown: unknown }>["teardown"],
  { cpus, poolSize, design }: Experiment["machine"],
): Problem[] {
  const path = ["workload", "teardown"];
  const problems: Problem[] = [];
  if (design === "single" && l2Guests > 1)
    problems.push({
      path: [...path, "l2Guests"],
      message: `${l2Guests} L2 guests share the one vmcs02 of machine.design single: set machine.design to pool`,
    });
  else if (l2Guests > Math.max(poolSize, 1))
    problems.push({
      path: [...path, "l2Guests"],
      message: `${l2Guests} L2 guests keep their vmcs02s only in a pool as large: set machine.poolSize to ${l2Guests} or more`,
    });
  if (spread > cpus)
    problems.push({
      path: [...path, "spread"],
      message: `the host has ${cpus} CPUs to spread over: set machine.cpus to ${spread} or more`,
    });
  return problems;
}

/** Units of an open load that are due in a second; undefined when the load is closed. */
export function openRateOf(workload: WorkloadEntry): number | undefined {
  if ("roundRobin" in workload) return ratePerSecond(workload.roundRobin.load);
  return "migrate" in workload ? ratePerSecond(workload.migrate.load) : undefined;
}

function ratePerSecond(load: LoadEntry): number | undefined {
  return load === "closed" ? undefined : parseRate(load.open.rate);
}

/** How long a workload lasts, where the experiment says so: a duration, or `faults`. */
export function durationOf(workload: WorkloadEntry): { readonly kind: string; readonly duration: string } | undefined {
  if ("roundRobin" in workload) return named("roundRobin", workload.roundRobin.duration);
  return "migrate" in workload ? named("migrate", workload.migrate.duration) : undefined;
}

function named(kind: string, duration: string | undefined): ReturnType<typeof durationOf> {
  return duration === undefined ? undefined : { kind, duration };
}
