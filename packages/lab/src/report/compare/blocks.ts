/**
 * Two single runs, by how their latencies went over time. The operations of a run are not independent: a pause of the machine makes many of them late at once, so an interval from
 * resampled operations would be far too narrow. What is resampled here are blocks of intervals of time.
 */
import { RandomStream } from "@vmcslab/faults";
import type { Interval } from "../../study/statistics/median.js";
import { percentileInterval, RESAMPLES } from "../../study/statistics/median.js";

/** Fewer intervals of time say nothing about how they vary. */
export const INTERVALS_MIN = 20;

/** A statistic of one interval of time, and of how many operations. */
export interface Weighted {
  readonly value: number;
  readonly weight: number;
}

export interface BlockComparison {
  /** Means over the intervals, weighted by their operations. */
  readonly a: number;
  readonly b: number;
  /** 95 %, of B - A; undefined: too few intervals. */
  readonly interval: Interval | undefined;
}

/** Both in the order of time, neither empty. */
export function compareBlocks(a: readonly Weighted[], b: readonly Weighted[]): BlockComparison {
  const means = { a: meanOf(a), b: meanOf(b) };
  if (a.length < INTERVALS_MIN || b.length < INTERVALS_MIN) return { ...means, interval: undefined };
  const ofA = resampledMeans(a, new RandomStream("blocks/a"));
  const ofB = resampledMeans(b, new RandomStream("blocks/b"));
  return { ...means, interval: percentileInterval(ofA.map((mean, index) => (ofB[index] ?? mean) - mean)) };
}

/** The circular block bootstrap: blocks that may begin anywhere, the end followed by the beginning. */
export function resampledMeans(series: readonly Weighted[], stream: RandomStream): number[] {
  const length = blockLength(series.length);
  const blocks = series.map((_, begin) => sumOf(series, begin, length));
  const drawn = Math.ceil(series.length / length);
  return Array.from({ length: RESAMPLES }, () => {
    let weighted = 0;
    let weight = 0;
    for (let i = 0; i < drawn; i++) {
      const block = blocks[stream.below(blocks.length)];
      weighted += block?.weighted ?? 0;
      weight += block?.weight ?? 0;
    }
    return weighted / weight;
  });
}

/** Grows with the series as its third root does, which is what the block bootstrap of a mean wants; twice that, because a stall lasts. */
function blockLength(size: number): number {
  return Math.max(2, Math.ceil(2 * Math.cbrt(size)));
}

function sumOf(series: readonly Weighted[], begin: number, length: number): { weighted: number; weight: number } {
  const sum = { weighted: 0, weight: 0 };
  for (let i = 0; i < length; i++) {
    const { value, weight } = series[(begin + i) % series.length] ?? { value: 0, weight: 0 };
    sum.weighted += value * weight;
    sum.weight += weight;
  }
  return sum;
}

function meanOf(series: readonly Weighted[]): number {
  const { weighted, weight } = sumOf(series, 0, series.length);
  return weighted / weight;
}
