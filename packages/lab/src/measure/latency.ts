/** Latencies per operation. */
import { build, type Histogram } from "hdr-histogram-js";
import { OPERATION_NAMES, type OperationName } from "./operations.js";

/** The columns of a latency table, with the percentile that each stands for. */
const PERCENTILES = { p50: 50, p90: 90, p99: 99, p999: 99.9 } as const;

export const PERCENTILE_NAMES = ["p50", "p90", "p99", "p999", "max"] as const;

/** Microseconds, with one decimal. */
export type LatencyUs = { readonly [name in (typeof PERCENTILE_NAMES)[number]]: number };

export interface OperationLatency {
  readonly count: number;
  readonly latencyUs: LatencyUs;
}

/** Recorded in units of 100 ns, up to ten minutes, with three digits: 0.1 % of any value. */
const UNIT_NS = 100;
const LATENCY_MAX_UNITS = (600 * 1_000_000_000) / UNIT_NS;

/** One histogram per operation name. */
export class LatencyRecorder {
  readonly #histograms = new Map<OperationName, Histogram>();

  /** Notes one operation that took `durationNs`. */
  record(name: OperationName, durationNs: number): void {
    const units = Math.round(durationNs / UNIT_NS);
    this.#histogram(name).recordValue(Math.min(Math.max(units, 1), LATENCY_MAX_UNITS));
  }

  /** Operations noted so far, under all names. */
  get count(): number {
    return [...this.#histograms.values()].reduce((sum, histogram) => sum + histogram.totalCount, 0);
  }

  /** What was measured, in the order of {@link OPERATION_NAMES}. */
  summary(): Partial<Record<OperationName, OperationLatency>> {
    const summary: Partial<Record<OperationName, OperationLatency>> = {};
    for (const name of OPERATION_NAMES) {
      const histogram = this.#histograms.get(name);
      if (histogram !== undefined) summary[name] = { count: histogram.totalCount, latencyUs: latencyOf(histogram) };
    }
    return summary;
  }

  #histogram(name: OperationName): Histogram {
    const existing = this.#histograms.get(name);
    if (existing !== undefined) return existing;
    const created = build({
      lowestDiscernibleValue: 1,
      highestTrackableValue: LATENCY_MAX_UNITS,
      numberOfSignificantValueDigits: 3,
    });
    this.#histograms.set(name, created);
    return created;
  }
}

function latencyOf(histogram: Histogram): LatencyUs {
  // A percentile is answered as the upper end of its bucket, which may lie above the greatest value.
  const at = (percentile: number) => toUs(Math.min(histogram.getValueAtPercentile(percentile), histogram.maxValue));
  return {
    p50: at(PERCENTILES.p50),
    p90: at(PERCENTILES.p90),
    p99: at(PERCENTILES.p99),
    p999: at(PERCENTILES.p999),
    max: toUs(histogram.maxValue),
  };
}

function toUs(units: number): number {
  return Math.round((units * UNIT_NS) / 100) / 10;
}
