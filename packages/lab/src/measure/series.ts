/** Latency over time. */
import { build, type Histogram } from "hdr-histogram-js";
import type { LatencySeries, SeriesPoint } from "./latency-file.js";

/** Intervals that are kept. When time goes on, two become one. */
const INTERVALS_MAX = 240;

/** How long the first intervals are: as fine as anybody looks at a run of so short a life. */
const INTERVAL_NS_MIN = 1_000;

/** By name, one small histogram per interval. It does not matter in which order things are told, nor how long the run will be. */
export class SeriesRecorder {
  readonly #unitNs: number;
  readonly #intervals = new Map<string, Map<number, Histogram>>();
  #intervalNs = INTERVAL_NS_MIN;

  constructor(unitNs: number) {
    this.#unitNs = unitNs;
  }

  /** Something ended `atNs` after the workload's start. What ended before it is not of the run. */
  record(name: string, atNs: number, durationNs: number): void {
    if (atNs < 0) return;
    while (atNs >= this.#intervalNs * INTERVALS_MAX) this.#coarsen();
    const index = Math.floor(atNs / this.#intervalNs);
    const intervals = this.#intervals.get(name) ?? new Map<number, Histogram>();
    this.#intervals.set(name, intervals);
    const histogram = intervals.get(index) ?? newHistogram();
    intervals.set(index, histogram);
    histogram.recordValue(Math.round(Math.max(durationNs, 0) / this.#unitNs));
  }

  series(): LatencySeries {
    const points = [...this.#intervals].map(([name, intervals]) => [name, this.#points(intervals)] as const);
    return { intervalMs: this.#intervalNs / 1e6, points: Object.fromEntries(points) };
  }

  #points(intervals: ReadonlyMap<number, Histogram>): SeriesPoint[] {
    return [...intervals]
      .toSorted(([left], [right]) => left - right)
      .map(([index, histogram]) => ({
        atMs: (index * this.#intervalNs) / 1e6,
        count: histogram.totalCount,
        p50Us: this.#us(histogram, 50),
        p99Us: this.#us(histogram, 99),
        maxUs: this.#us(histogram, 100),
      }));
  }

  #us(histogram: Histogram, percentile: number): number {
    const units = Math.min(histogram.getValueAtPercentile(percentile), histogram.maxValue);
    return Math.round(units * this.#unitNs) / 1_000;
  }

  #coarsen(): void {
    this.#intervalNs *= 2;
    for (const [name, intervals] of this.#intervals) {
      const merged = new Map<number, Histogram>();
      for (const [index, histogram] of intervals) {
        const half = Math.floor(index / 2);
        const other = merged.get(half);
        if (other === undefined) merged.set(half, histogram);
        else other.add(histogram);
      }
      this.#intervals.set(name, merged);
    }
  }
}

function newHistogram(): Histogram {
  return build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 2,
    autoResize: true,
    numberOfSignificantValueDigits: 2,
  });
}
