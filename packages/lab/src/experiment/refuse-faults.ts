import { UsageError } from "../errors.js";
import type { LoadedExperiment } from "./load.js";
import { nanoseconds } from "./units.js";

const LIVE_LEASE_MIN_NS = 100_000_000;

/** What only the simulator can do to a host so far. Throws UsageError when a live run is asked for it. */
export function refuseFaults({ experiment, originOf }: Pick<LoadedExperiment, "experiment" | "originOf">): void {
  if (experiment.faults.length > 0)
    throw new UsageError(
      `${originOf(["faults"])}: faults: faults are injected by \`vmcslab run --simulate\` and \`vmcslab explore\`; live injection is not there yet`,
    );
  const { lostCpu, lease } = experiment.machine;
  if (lostCpu !== "wait" && nanoseconds(lease) < LIVE_LEASE_MIN_NS)
    throw new UsageError(
      `${originOf(["machine", "lease"])}: machine.lease: ${lease} is too short for processes, which pause for longer now and then: write "100ms" or more, or use --simulate`,
    );
}
