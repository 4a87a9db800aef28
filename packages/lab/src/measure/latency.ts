/** Latencies per operation. */
import { MEASURED_UNIT_NS, microseconds, type Percentiles, TimeHistogram } from "./histogram.js";
import { OPERATION_NAMES, type OperationName } from "./operations.js";
import { Warmup } from "./warmup.js";

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

/** Told of everything that goes into a histogram: its name in latencies.json, when it ended, how long it took. */
export type OnRecord = (name: string, atNs: number, durationNs: number) => void;

export interface RecorderOptions {
  /** Recorded in units of it. Default: 100 ns. */
  readonly unitNs?: number;
  readonly onRecord?: OnRecord;
}

interface RoundTrips {
  sum: number;
  max: number;
}

/** One histogram per operation name. Operations that begin in the warm-up are in none. */
export class LatencyRecorder {
  readonly warmup = new Warmup();
  readonly #unitNs: number;
  readonly #onRecord: OnRecord | undefined;
  readonly #histograms = new Map<OperationName, TimeHistogram>();
  readonly #roundTrips = new Map<OperationName, RoundTrips>();
  #count = 0;
  #warmupCount = 0;

  constructor({ unitNs = MEASURED_UNIT_NS, onRecord }: RecorderOptions = {}) {
    this.#unitNs = unitNs;
    this.#onRecord = onRecord;
  }

  /** Notes one operation that ended at `atNs` and took `durationNs`. */
  record(name: OperationName, atNs: number, durationNs: number, roundTrips?: number): void {
    this.#count++;
    if (this.warmup.covers(atNs - durationNs)) {
      this.#warmupCount++;
      return;
    }
    this.#histogram(name).record(durationNs);
    this.#onRecord?.(`operations.${name}`, atNs, durationNs);
    if (roundTrips === undefined) return;
    const known = this.#roundTrips.get(name) ?? { sum: 0, max: 0 };
    this.#roundTrips.set(name, { sum: known.sum + roundTrips, max: Math.max(known.max, roundTrips) });
  }

  /** Operations noted so far, under all names, those of the warm-up too. */
  get count(): number {
    return this.#count;
  }

  /** Operations that were left out. */
  get warmupCount(): number {
    return this.#warmupCount;
  }

  /** By their names in latencies.json, in the order of {@link OPERATION_NAMES}. */
  histograms(): ReadonlyMap<string, TimeHistogram> {
    return new Map(this.#measured().map(([name, histogram]) => [`operations.${name}`, histogram]));
  }

  /** What was measured, in the order of {@link OPERATION_NAMES}. */
  summary(): Partial<Record<OperationName, OperationLatency>> {
    return this.#each((histogram) => ({
      count: histogram.count,
      latencyUs: histogram.percentiles(microseconds),
    }));
  }

  /** The same in virtual time. `ghz`: cycles per nanosecond. */
  costs(ghz: number): Partial<Record<OperationName, OperationCost>> {
    return this.#each((histogram, name) => {
      const { sum, max } = this.#roundTrips.get(name) ?? { sum: 0, max: 0 };
      const { count } = histogram;
      const roundTrips = { mean: Math.round((sum / count) * 1_000) / 1_000, max };
      return {
        count,
        latencyNs: histogram.percentiles((ns) => ns),
        latencyCycles: histogram.percentiles((ns) => Math.round(ns * ghz)),
        roundTrips,
      };
    });
  }

  #each<T>(describe: (histogram: TimeHistogram, name: OperationName) => T): Partial<Record<OperationName, T>> {
    const described: Partial<Record<OperationName, T>> = {};
    for (const [name, histogram] of this.#measured()) described[name] = describe(histogram, name);
    return described;
  }

  #measured(): [OperationName, TimeHistogram][] {
    return OPERATION_NAMES.flatMap((name) => {
      const histogram = this.#histograms.get(name);
      return histogram === undefined ? [] : [[name, histogram]];
    });
  }

  #histogram(name: OperationName): TimeHistogram {
    const existing = this.#histograms.get(name);
    if (existing !== undefined) return existing;
    const created = new TimeHistogram(this.#unitNs);
    this.#histograms.set(name, created);
    return created;
  }
}
