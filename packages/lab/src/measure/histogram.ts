/** One HDR histogram of times: up to ten minutes, with three digits, 0.1 % of any value. */
import { build, encodeIntoCompressedBase64, type Histogram } from "hdr-histogram-js";

/** The columns of a latency table, with the percentile that each stands for. */
const PERCENTILES = { p50: 50, p90: 90, p99: 99, p999: 99.9 } as const;

export const PERCENTILE_NAMES = ["p50", "p90", "p99", "p999", "max"] as const;

export type Percentiles = { readonly [name in (typeof PERCENTILE_NAMES)[number]]: number };

/** A hundred nanoseconds are finer than an RPC's latency repeats. */
export const MEASURED_UNIT_NS = 100;
/** Lines of an .hgrm between one halving of what is left of 100 % and the next; HdrHistogram's own default. */
const TICKS_PER_HALF_DISTANCE = 5;
const TIME_MAX_NS = 600 * 1_000_000_000;

export class TimeHistogram {
  readonly unitNs: number;
  readonly #histogram: Histogram;
  #sumNs = 0;

  /** `unitNs`: recorded in units of it. Default: 100 ns. */
  constructor(unitNs: number = MEASURED_UNIT_NS) {
    this.unitNs = unitNs;
    this.#histogram = build({
      lowestDiscernibleValue: 1,
      // It grows with what is recorded: of CPU pairs there may be thousands.
      highestTrackableValue: 2,
      autoResize: true,
      numberOfSignificantValueDigits: 3,
    });
  }

  get count(): number {
    return this.#histogram.totalCount;
  }

  /** Nanoseconds, exact: of what was recorded, not of the buckets. 0 when nothing was. */
  get meanNs(): number {
    return this.count === 0 ? 0 : this.#sumNs / this.count;
  }

  record(durationNs: number): void {
    const units = Math.round(durationNs / this.unitNs);
    this.#sumNs += durationNs;
    // What takes a time at all is not recorded as nothing.
    this.#histogram.recordValue(Math.min(Math.max(units, durationNs > 0 ? 1 : 0), TIME_MAX_NS / this.unitNs));
  }

  /** `convert`: from nanoseconds to what is shown. */
  percentiles(convert: (ns: number) => number): Percentiles {
    const histogram = this.#histogram;
    const of = (units: number): number => convert(units * this.unitNs);
    // A percentile is answered as the upper end of its bucket, which may lie above the greatest value.
    const at = (percentile: number): number =>
      of(Math.min(histogram.getValueAtPercentile(percentile), histogram.maxValue));
    return {
      p50: at(PERCENTILES.p50),
      p90: at(PERCENTILES.p90),
      p99: at(PERCENTILES.p99),
      p999: at(PERCENTILES.p999),
      max: of(histogram.maxValue),
    };
  }

  /** As HdrHistogram's own tools print and plot it (.hgrm), in microseconds. */
  toHgrm(): string {
    return this.#histogram.outputPercentileDistribution(TICKS_PER_HALF_DISTANCE, 1_000 / this.unitNs);
  }

  /** V2 compressed, base64, in units of `unitNs`. */
  encode(): string {
    return encodeIntoCompressedBase64(this.#histogram);
  }
}

/** With one decimal where a unit is 100 ns, with three where it is one. */
export function microseconds(ns: number): number {
  return Math.round(ns) / 1_000;
}
