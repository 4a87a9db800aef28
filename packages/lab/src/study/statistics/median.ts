/** Medians, and what the bootstrap says of them. Pure: randomness is a seeded stream. */
import { RandomStream } from "@vmcslab/faults";

/**
 * Fewer give no interval. Whatever is computed from n values lies between the least and the greatest, and the median lies there in 1 - 2^(1-n) of all cases: 87.5 % with 4,
 * 93.8 % with 5. So with less than 5 nothing that is called a 95 % interval is one.
 */
export const SAMPLES_MIN = 5;
export const RESAMPLES = 2_000;
const CONFIDENCE = 0.95;

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Of at least one value. */
export function medianOf(values: readonly number[]): number {
  return middle(values.toSorted((left, right) => left - right));
}

/** The percentile bootstrap's 95 % interval of the median; undefined below {@link SAMPLES_MIN} values. */
export function medianInterval(values: readonly number[]): Interval | undefined {
  if (values.length < SAMPLES_MIN) return undefined;
  const sorted = values.toSorted((left, right) => left - right);
  // The medians of resamples are few different values: each counts as often as it came.
  const medians = resamplesOf(values.length).counted.map(({ low, high, times }) => ({
    value: (at(sorted, low) + at(sorted, high)) / 2,
    times,
  }));
  medians.sort((left, right) => left.value - right.value);
  const quantile = (share: number) => {
    let seen = 0;
    for (const { value, times } of medians) {
      seen += times;
      if (seen >= share * RESAMPLES) return value;
    }
    return at(sorted, sorted.length - 1);
  };
  return { low: quantile((1 - CONFIDENCE) / 2), high: quantile((1 + CONFIDENCE) / 2) };
}

/** The interval of the difference of two medians, of samples that have nothing to do with each other. */
export function differenceInterval(from: readonly number[], to: readonly number[]): Interval | undefined {
  if (from.length < SAMPLES_MIN || to.length < SAMPLES_MIN) return undefined;
  const sortedFrom = from.toSorted((left, right) => left - right);
  const sortedTo = to.toSorted((left, right) => left - right);
  const ofFrom = resamplesOf(from.length, "from").each;
  const ofTo = resamplesOf(to.length, "to").each;
  return percentileInterval(ofFrom.map((ranks, index) => median(sortedTo, ofTo[index]) - median(sortedFrom, ranks)));
}

/** The middle 95 % of resampled statistics. */
export function percentileInterval(statistics: readonly number[]): Interval {
  const sorted = statistics.toSorted((left, right) => left - right);
  const quantile = (share: number) => at(sorted, Math.max(0, Math.ceil(share * sorted.length) - 1));
  return { low: quantile((1 - CONFIDENCE) / 2), high: quantile((1 + CONFIDENCE) / 2) };
}

/** The ranks, in the sorted sample, of the one or two values in the middle of a resample. */
interface MiddleRanks {
  readonly low: number;
  readonly high: number;
}

interface Resamples {
  readonly each: readonly MiddleRanks[];
  readonly counted: readonly (MiddleRanks & { readonly times: number })[];
}

const known = new Map<string, Resamples>();

/** A resample's median depends on the ranks that it drew alone: so the drawing is done once for all samples of one size. */
function resamplesOf(size: number, name = "one"): Resamples {
  const key = `${size}/${name}`;
  const existing = known.get(key);
  if (existing !== undefined) return existing;
  const stream = new RandomStream(`bootstrap/${key}`);
  const each = Array.from({ length: RESAMPLES }, () => {
    const ranks = Array.from({ length: size }, () => stream.below(size)).sort((left, right) => left - right);
    return { low: at(ranks, (size - 1) >> 1), high: at(ranks, size >> 1) };
  });
  const times = new Map<number, number>();
  for (const { low, high } of each) times.set(low * size + high, (times.get(low * size + high) ?? 0) + 1);
  const counted = [...times].map(([pair, count]) => ({
    low: Math.floor(pair / size),
    high: pair % size,
    times: count,
  }));
  const created = { each, counted };
  known.set(key, created);
  return created;
}

function median(sorted: readonly number[], ranks: MiddleRanks | undefined): number {
  return ranks === undefined ? middle(sorted) : (at(sorted, ranks.low) + at(sorted, ranks.high)) / 2;
}

function middle(sorted: readonly number[]): number {
  return (at(sorted, (sorted.length - 1) >> 1) + at(sorted, sorted.length >> 1)) / 2;
}

function at(values: readonly number[], index: number): number {
  const value = values[index];
  if (value === undefined) throw new Error(`no value at ${index} of ${values.length}`);
  return value;
}
