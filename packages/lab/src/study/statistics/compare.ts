/** One metric of A against the same of B. */
import { differenceInterval, type Interval, medianInterval, medianOf } from "./median.js";

export type Difference = "no difference seen" | "B lower" | "B higher" | "too few samples";

export interface Comparison {
  /** Medians. */
  readonly a: number;
  readonly b: number;
  /** (B - A) / A in per cent: of the medians, or the median of the pairs' own. Absent where A is 0. */
  readonly percent?: number;
  /** 95 %, of the difference B - A, in the metric's unit. Absent: too few samples. */
  readonly difference?: Interval;
  /** Of `percent`. */
  readonly percentInterval?: Interval;
  readonly verdict: Difference;
}

/**
 * `paired`: value i of both belongs to one repetition, so that what differs between repetitions cancels. Neither sample is empty. Of pairs, the change is the median of each
 * pair's own change, which need not be the change of the medians.
 */
export function compareSamples(a: readonly number[], b: readonly number[], paired: boolean): Comparison {
  const [ofA, ofB] = [medianOf(a), medianOf(b)];
  if (!paired || a.length !== b.length) return describe(ofA, ofB, ofB - ofA, differenceInterval(a, b));
  const differences = a.map((value, index) => (b[index] ?? value) - value);
  const inUnits = describe(ofA, ofB, medianOf(differences), medianInterval(differences));
  if (a.some((value) => value <= 0)) return inUnits;
  const percents = a.map((value, index) => (100 * ((b[index] ?? value) - value)) / value);
  const interval = medianInterval(percents);
  return {
    ...inUnits,
    percent: medianOf(percents),
    ...(interval === undefined ? {} : { percentInterval: interval }),
    verdict: verdictOf(interval),
  };
}

/** `change`: the estimate of B - A that the interval is of. */
export function describe(a: number, b: number, change: number, interval: Interval | undefined): Comparison {
  const percentOf = (value: number) => (100 * value) / Math.abs(a);
  return {
    a,
    b,
    ...(a === 0 ? {} : { percent: percentOf(change) }),
    ...(interval === undefined ? {} : { difference: interval }),
    ...(interval === undefined || a === 0
      ? {}
      : { percentInterval: { low: percentOf(interval.low), high: percentOf(interval.high) } }),
    verdict: verdictOf(interval),
  };
}

function verdictOf(interval: Interval | undefined): Difference {
  if (interval === undefined) return "too few samples";
  if (interval.high < 0) return "B lower";
  return interval.low > 0 ? "B higher" : "no difference seen";
}
