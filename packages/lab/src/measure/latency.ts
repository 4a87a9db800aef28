/** Latencies per operation. */
import { build, type Histogram } from "hdr-histogram-js";
import { OPERATION_NAMES, type OperationName } from "./operations.js";

/** The columns of a latency table, with the percentile that each stands for. */
const PERCENTILES = { p50: 50, p90: 90, p99: 99, p999: 99.9 } as const;

export const PERCENTILE_NAMES = ["p50", "p90", "p99", "p999", "max"] as const;

export type Percentiles = { readonly [name in (typeof PERCENTILE_NAMES)[number]]: number };

export interface OperationLatency {
  readonly count: number;
  /** Microseconds, with one decimal, or three where time is virtual. */
  readonly latencyUs: Percentiles;
}

/** What is measured where time is virtual. */
export interface OperationCost {
  readonly count: number;
  readonly latencyNs: Percentiles;
  readonly latencyCycles: Percentiles;
  /** How often L0 waited for CPUs, in one operation; batches that go out at once are one round trip. */
  readonly roundTrips: { readonly mean: number; readonly max: number };
}

/** A hundred nanoseconds are finer than an RPC's latency repeats. */
const MEASURED_UNIT_NS = 100;
const LATENCY_MAX_NS = 600 * 1_000_000_000;

interface RoundTrips {
  sum: number;
  max: number;
}

/** One histogram per operation name: up to ten minutes, with three digits, 0.1 % of any value. */
export class LatencyRecorder {
  readonly #unitNs: number;
  readonly #histograms = new Map<OperationName, Histogram>();
  readonly #roundTrips = new Map<OperationName, RoundTrips>();
  #count = 0;

  /** `unitNs`: recorded in units of it. Default: 100 ns. */
  constructor({ unitNs = MEASURED_UNIT_NS }: { readonly unitNs?: number } = {}) {
    this.#unitNs = unitNs;
  }

  /** Notes one operation that took `durationNs`. */
  record(name: OperationName, durationNs: number, roundTrips?: number): void {
    const units = Math.round(durationNs / this.#unitNs);
    this.#count++;
    // What takes a time at all is not recorded as nothing.
    this.#histogram(name).recordValue(Math.min(Math.max(units, durationNs > 0 ? 1 : 0), this.#unitsMax));
    if (roundTrips === undefined) return;
    const known = this.#roundTrips.get(name) ?? { sum: 0, max: 0 };
    this.#roundTrips.set(name, { sum: known.sum + roundTrips, max: Math.max(known.max, roundTrips) });
  }

  /** Operations noted so far, under all names. */
  get count(): number {
    return this.#count;
  }

  /** What was measured, in the order of {@link OPERATION_NAMES}. */
  summary(): Partial<Record<OperationName, OperationLatency>> {
    return this.#each((histogram) => ({
      count: histogram.totalCount,
      latencyUs: percentilesOf(histogram, (units) => Math.round(units * this.#unitNs) / 1_000),
    }));
  }

  /** The same in virtual time. `ghz`: cycles per nanosecond. */
  costs(ghz: number): Partial<Record<OperationName, OperationCost>> {
    return this.#each((histogram, name) => {
      const { sum, max } = this.#roundTrips.get(name) ?? { sum: 0, max: 0 };
      const count = histogram.totalCount;
      const roundTrips = { mean: Math.round((sum / count) * 1_000) / 1_000, max };
      return {
        count,
        latencyNs: percentilesOf(histogram, (units) => units * this.#unitNs),
        latencyCycles: percentilesOf(histogram, (units) => Math.round(units * this.#unitNs * ghz)),
        roundTrips,
      };
    });
  }

  get #unitsMax(): number {
    return LATENCY_MAX_NS / this.#unitNs;
  }

  #each<T>(describe: (histogram: Histogram, name: OperationName) => T): Partial<Record<OperationName, T>> {
    const described: Partial<Record<OperationName, T>> = {};
    for (const name of OPERATION_NAMES) {
      const histogram = this.#histograms.get(name);
      if (histogram !== undefined) described[name] = describe(histogram, name);
    }
    return described;
  }

  #histogram(name: OperationName): Histogram {
    const existing = this.#histograms.get(name);
    if (existing !== undefined) return existing;
    const created = build({
      lowestDiscernibleValue: 1,
      highestTrackableValue: this.#unitsMax,
      numberOfSignificantValueDigits: 3,
    });
    this.#histograms.set(name, created);
    return created;
  }
}

function percentilesOf(histogram: Histogram, convert: (units: number) => number): Percentiles {
  // A percentile is answered as the upper end of its bucket, which may lie above the greatest value.
  const at = (percentile: number) => convert(Math.min(histogram.getValueAtPercentile(percentile), histogram.maxValue));
  return {
    p50: at(PERCENTILES.p50),
    p90: at(PERCENTILES.p90),
    p99: at(PERCENTILES.p99),
    p999: at(PERCENTILES.p999),
    max: convert(histogram.maxValue),
  };
}
