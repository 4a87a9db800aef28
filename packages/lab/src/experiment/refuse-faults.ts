import { UsageError } from "../errors.js";
import type { LoadedExperiment } from "./load.js";

/** What only the simulator can do to a host so far. Throws UsageError when a live run is asked for it. */
export function refuseFaults({ experiment, originOf }: Pick<LoadedExperiment, "experiment" | "originOf">): void {
  if (experiment.faults.length > 0)
    throw new UsageError(
      `${originOf(["faults"])}: faults: faults are injected by \`vmcslab run --simulate\` and \`vmcslab explore\`; live injection is not there yet`,
    );
  const { lostCpu } = experiment.machine;
  if (lostCpu !== "wait")
    throw new UsageError(
      `${originOf(["machine", "lostCpu"])}: machine.lostCpu: ${lostCpu} is done by \`vmcslab run --simulate\` and \`vmcslab explore\`; a live host only waits: write "wait"`,
    );
}
