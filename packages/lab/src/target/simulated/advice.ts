import type { Experiment } from "../../experiment/schema.js";
import { formatDurationUs, parseDurationUs } from "../../experiment/units.js";
import { durationOf, openRateOf } from "../../experiment/workload-problems.js";

/** Some ten thousand operations are simulated in a second, and one takes about a microsecond of virtual time on each CPU. */
const LONG_US = 100_000;
/** Of an open load: what a few of the busy milliseconds above hold. */
const MANY_UNITS = 100_000;

/** What to know before a simulated run that will take long. */
export function simulationAdvice({ workload }: Pick<Experiment, "workload">): string[] {
  const lasts = durationOf(workload);
  const durationUs = lasts === undefined ? 0 : (parseDurationUs(lasts.duration) ?? 0);
  if (lasts === undefined || durationUs <= LONG_US) return [];
  const rate = openRateOf(workload);
  if (rate !== undefined && (rate * durationUs) / 1e6 <= MANY_UNITS) return [];
  return [
    `${formatDurationUs(durationUs)} of virtual time are millions of operations, hours of work: --set workload.${lasts.kind}.duration=20ms takes seconds`,
  ];
}
