/** What became of the load: how long units took, and how long whoever asked for them waited. */
import { MEASURED_UNIT_NS, microseconds, type Percentiles, TimeHistogram } from "./histogram.js";
import type { LatencyRecorder, OnRecord, RecorderOptions } from "./latency.js";
import { type UnitTimes, UnitTimesRecorder } from "./unit-times.js";

/** One piece of work that the load consists of. */
export interface DueUnit {
  /** When it was due. In a closed model: when it was sent. */
  readonly intendedNs: number;
  readonly isWarmup: boolean;
}

/** One that was begun. */
export interface LoadUnit extends DueUnit {
  readonly sentNs: number;
  /** Where it stands among the units whose times are kept. Undefined: they are not. */
  readonly place: number | undefined;
}

/** How the load was made. */
export interface LoadKind {
  /** What one unit is, for people. */
  readonly unit: string;
  readonly model: "closed" | "open";
  readonly ratePerSecond?: number;
  readonly arrivals?: "poisson" | "constant";
}

export type LoadTimes = Percentiles & { readonly mean: number };

export interface LoadReport extends LoadKind {
  /** Units that were due, begun and ended well, each among the one before; without the warm-up. */
  readonly intended: number;
  readonly sent: number;
  readonly done: number;
  /** Due, and never done: an operation failed, or the end came first. */
  readonly unfinished: number;
  /** Of what was measured, until the last ended. */
  readonly donePerSecond: number;
  /** Microseconds from sent to done. Absent: nothing was done. */
  readonly serviceUs?: LoadTimes;
  /** Microseconds from intended to done. In a closed model it is the service time. */
  readonly responseUs?: LoadTimes;
  /** What came before, and is in no measure. */
  readonly warmup: { readonly durationMs: number; readonly units: number; readonly operations: number };
  /** Only of an open model. */
  readonly generator?: GeneratorReport;
}

/** Whether what made the load kept its own time. */
export interface GeneratorReport {
  /** Units for which a vcpu was free, so that only the generator could be late. */
  readonly count: number;
  /** How late they were begun. Absent: there were none. */
  readonly lateUs?: Percentiles;
  readonly fellBehind: boolean;
  /** The same in words. */
  readonly note: string;
}

/** A response time of which the generator may have made more than this share is not the host's. */
const LATE_SHARE_MAX = 0.1;

export class LoadRecorder {
  readonly #service: TimeHistogram;
  readonly #response: TimeHistogram;
  readonly #late: TimeHistogram;
  readonly #onRecord: OnRecord | undefined;
  #kind: LoadKind | undefined;
  #times: UnitTimesRecorder | undefined;
  #intended = 0;
  #sent = 0;
  #warmupUnits = 0;
  #beginNs = 0;
  #lastNs = 0;

  constructor({ unitNs = MEASURED_UNIT_NS, onRecord }: RecorderOptions = {}) {
    this.#service = new TimeHistogram(unitNs);
    this.#response = new TimeHistogram(unitNs);
    this.#late = new TimeHistogram(unitNs);
    this.#onRecord = onRecord;
  }

  begin(kind: LoadKind, atNs: number): void {
    this.#kind = kind;
    // In a closed model there is nothing in them that the histograms lack, and there may be millions.
    if (kind.model === "open") this.#times = new UnitTimesRecorder(atNs);
    this.#beginNs = atNs;
    this.#lastNs = atNs;
  }

  /** The warm-up, if there is one, ended; what counts begins. */
  measureFrom(atNs: number): void {
    this.#beginNs = atNs;
    this.#lastNs = atNs;
  }

  /** A unit begins. `lateNs`: how much later than it could have, if only the generator can be why. */
  sent(due: DueUnit, sentNs: number, lateNs?: number): LoadUnit {
    const { isWarmup, intendedNs } = due;
    if (isWarmup) this.#warmupUnits++;
    else {
      this.#intended++;
      this.#sent++;
      if (lateNs !== undefined) this.#late.record(lateNs);
    }
    return { intendedNs, isWarmup, sentNs, place: this.#times?.add(isWarmup, intendedNs, sentNs) };
  }

  /** A unit was due, and nobody came to do it. */
  neverSent({ isWarmup, intendedNs }: DueUnit): void {
    if (!isWarmup) this.#intended++;
    this.#times?.add(isWarmup, intendedNs);
  }

  done({ intendedNs, sentNs, isWarmup, place }: LoadUnit, atNs: number): void {
    if (place !== undefined) this.#times?.done(place, atNs);
    if (isWarmup) return;
    this.#lastNs = Math.max(this.#lastNs, atNs);
    this.#service.record(atNs - sentNs);
    this.#response.record(atNs - intendedNs);
    this.#onRecord?.("load.service", atNs, atNs - sentNs);
    this.#onRecord?.("load.response", atNs, atNs - intendedNs);
  }

  /** Of every unit of an open load; undefined of another. */
  get times(): Iterable<UnitTimes> | undefined {
    return this.#times;
  }

  /** By their names in latencies.json. Empty when nothing was done. */
  histograms(): ReadonlyMap<string, TimeHistogram> {
    if (this.#service.count === 0) return new Map();
    return new Map([
      ["load.service", this.#service],
      ["load.response", this.#response],
    ]);
  }

  /** Undefined: there was no load, only a replay. `latencies` knows what was left out. */
  report({ warmup, warmupCount }: Pick<LatencyRecorder, "warmup" | "warmupCount">): LoadReport | undefined {
    if (this.#kind === undefined) return undefined;
    const done = this.#service.count;
    const seconds = (this.#lastNs - this.#beginNs) / 1e9;
    return {
      ...this.#kind,
      ...{ intended: this.#intended, sent: this.#sent, done, unfinished: this.#intended - done },
      donePerSecond: seconds > 0 ? round3(done / seconds) : 0,
      ...(done === 0 ? {} : { serviceUs: timesOf(this.#service), responseUs: timesOf(this.#response) }),
      warmup: { durationMs: round3(warmup.durationNs / 1e6), units: this.#warmupUnits, operations: warmupCount },
      ...(this.#kind.model === "open" ? { generator: this.#generatorReport() } : {}),
    };
  }

  #generatorReport(): GeneratorReport {
    const { count } = this.#late;
    if (count === 0)
      return {
        count,
        fellBehind: false,
        note: "no vcpu was ever free before a unit was due: no unit waited for the load generator",
      };
    const lateUs = this.#late.percentiles(microseconds);
    const responseUs = this.#response.percentiles(microseconds);
    const fellBehind =
      this.#response.count > 0 &&
      (lateUs.p50 > responseUs.p50 * LATE_SHARE_MAX || lateUs.p99 > responseUs.p99 * LATE_SHARE_MAX);
    const how = `of ${count} units for which a vcpu was free, half were begun ${lateUs.p50} µs late or more, 1 in 100 ${lateUs.p99} µs, the latest ${lateUs.max} µs`;
    const against = `the response time is ${responseUs.p50} µs at p50 and ${responseUs.p99} µs at p99`;
    const note = fellBehind
      ? `the load generator fell behind: ${how}; ${against}, and this lateness is part of it, not of the host`
      : `the load generator kept up: ${how}; ${against}`;
    return { count, lateUs, fellBehind, note };
  }
}

function timesOf(histogram: TimeHistogram): LoadTimes {
  return { mean: microseconds(histogram.meanNs), ...histogram.percentiles(microseconds) };
}

function round3(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
