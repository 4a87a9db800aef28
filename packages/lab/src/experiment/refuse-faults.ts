/** What an experiment asks for that a live host cannot do. The simulator can do everything. */
import { quantile } from "@vmcslab/faults";
import { CPU_KINDS } from "@vmcslab/history";
import { UsageError } from "../errors.js";
import type { DistributionEntry } from "./delay-schema.js";
import type { FaultEntry } from "./fault-schema.js";
import { readDistribution } from "./faults.js";
import type { LoadedExperiment } from "./load.js";
import { nanoseconds } from "./units.js";

const LIVE_LEASE_MIN_NS = 100_000_000;
/** Timers of Node.js fire no finer than about a millisecond. */
const LIVE_DELAY_MIN_NS = 2_000_000;

/** Throws UsageError, before anything runs, for what a host of processes cannot do: with the reason, and what to write instead. */
export async function refuseFaults({
  experiment,
  originOf,
}: Pick<LoadedExperiment, "experiment" | "originOf">): Promise<void> {
  const refusals = await Promise.all(
    experiment.faults.map(async (fault, index) => {
      const why = await refusal(fault);
      return why === undefined ? [] : [`${originOf(["faults", index])}: faults.${index}: ${why}`];
    }),
  );
  const lines = refusals.flat();
  if (lines.length > 0) throw new UsageError(lines.join("\n"));
  const { lostCpu, lease } = experiment.machine;
  if (lostCpu !== "wait" && nanoseconds(lease) < LIVE_LEASE_MIN_NS)
    throw new UsageError(
      `${originOf(["machine", "lease"])}: machine.lease: ${lease} is too short for processes, which pause for longer now and then: write "100ms" or more, or use --simulate`,
    );
}

async function refusal({ on, repeat, do: action }: FaultEntry): Promise<string | undefined> {
  if (on !== undefined && [...CPU_KINDS].some((kind) => kind === on.event))
    return `${on.event} is stated by CPUs, and L0, which injects, does not see it in time: begin \`at\` a time or at an event of L0, or use --simulate`;
  if (on !== undefined && repeat !== undefined)
    return "what begins at an event begins once on a live host: remove `repeat`, or use --simulate";
  if (typeof action === "string") return undefined;
  if ("reorder" in action && nanoseconds(action.reorder.by) < LIVE_DELAY_MIN_NS) return tooShort(action.reorder.by);
  if ("delay" in action && (await isTooShort(action.delay))) return tooShort("nearly all of this delay");
  return undefined;
}

/** Almost every delay would be over before a timer could notice. */
async function isTooShort(entry: DistributionEntry): Promise<boolean> {
  return quantile(await readDistribution(entry), 0.99) < LIVE_DELAY_MIN_NS;
}

function tooShort(what: string): string {
  return `${what} is shorter than the 2 ms that timers of real processes can keep: write more, or use --simulate`;
}
