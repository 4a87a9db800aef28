/** Cross-CPU clears as the history tells them: the whole, each phase, each pair of CPUs. */
import { CLEAR_PHASES, ClearFollower, type ClearPhase, type HistoryEvent } from "@vmcslab/history";
import { microseconds, type Percentiles, TimeHistogram } from "./histogram.js";
import type { SeriesRecorder } from "./series.js";

/** A distribution in few numbers, in microseconds. The mean is exact. */
export interface DistributionSummary {
  readonly count: number;
  readonly latencyUs: Percentiles;
  readonly meanUs: number;
}

export interface ClearReport extends DistributionSummary {
  /** Of the clears that were timed at the CPU as well; `meanUs` of all phases add up to the mean of these. Absent: none was. */
  readonly phases?: Readonly<Record<ClearPhase, DistributionSummary>>;
  /**
   * `one`: L0 and the CPUs read one monotonic clock, so that `wire` and `back` are told apart. `several`: each is half of what both ways took together. `mixed`: both happened.
   */
  readonly clocks?: "one" | "several" | "mixed";
  /** By the CPU that the caller was on, and the one that held the VMCS. */
  readonly pairs: readonly ClearPair[];
}

export interface ClearPair extends DistributionSummary {
  readonly from: number;
  readonly to: number;
}

/** Name of the whole in latencies.json; phases and pairs are below it. */
export const CLEAR_NAME = "crossCpuClear";

interface Pair {
  readonly from: number;
  readonly to: number;
  readonly histogram: TimeHistogram;
}

export class ClearTimes {
  readonly #unitNs: number;
  readonly #isMeasured: (beganNs: number) => boolean;
  readonly #series: SeriesRecorder;
  readonly #follower = new ClearFollower();
  readonly #whole: TimeHistogram;
  readonly #phases = new Map<ClearPhase, TimeHistogram>();
  readonly #pairs = new Map<string, Pair>();
  #onOneClock = 0;
  #timed = 0;

  /** `isMeasured`: whether what began so long after the workload, in nanoseconds, is not of the warm-up. */
  constructor(options: { unitNs: number; isMeasured: (beganNs: number) => boolean; series: SeriesRecorder }) {
    this.#unitNs = options.unitNs;
    this.#isMeasured = options.isMeasured;
    this.#series = options.series;
    this.#whole = new TimeHistogram(options.unitNs);
  }

  /** `atNs`: when it happened, after the workload's start. */
  observe(event: HistoryEvent, atNs: number): void {
    const clear = this.#follower.observe(event);
    if (clear === undefined) return;
    const { from, to, decidedNs, appliedNs, phasesNs, oneClock } = clear;
    const durationNs = appliedNs - decidedNs;
    if (!this.#isMeasured(atNs - durationNs)) return;
    this.#whole.record(durationNs);
    this.#pair(from, to).record(durationNs);
    this.#series.record(CLEAR_NAME, atNs, durationNs);
    if (phasesNs === undefined) return;
    this.#timed++;
    if (oneClock) this.#onOneClock++;
    for (const phase of CLEAR_PHASES) this.#phase(phase).record(phasesNs[phase]);
  }

  /** Undefined: there was no cross-CPU clear. */
  report(): ClearReport | undefined {
    if (this.#whole.count === 0) return undefined;
    const pairs = [...this.#pairs.values()]
      .toSorted((left, right) => left.from - right.from || left.to - right.to)
      .map(({ from, to, histogram }) => ({ from, to, ...summaryOf(histogram) }));
    return { ...summaryOf(this.#whole), ...this.#timedPart(), pairs };
  }

  /** By their names in latencies.json. */
  histograms(): ReadonlyMap<string, TimeHistogram> {
    if (this.#whole.count === 0) return new Map();
    return new Map([
      [CLEAR_NAME, this.#whole],
      ...[...this.#phases].map(([phase, histogram]) => [`${CLEAR_NAME}.${phase}`, histogram] as const),
      ...[...this.#pairs.values()].map(
        ({ from, to, histogram }) => [`${CLEAR_NAME}.pair.${from}-${to}`, histogram] as const,
      ),
    ]);
  }

  #timedPart(): Pick<ClearReport, "phases" | "clocks"> {
    if (this.#timed === 0) return {};
    const summary = (phase: ClearPhase): DistributionSummary => summaryOf(this.#phase(phase));
    const [queued, wire, waiting, executing, flush, back, completing] = CLEAR_PHASES;
    return {
      phases: {
        [queued]: summary(queued),
        [wire]: summary(wire),
        [waiting]: summary(waiting),
        [executing]: summary(executing),
        [flush]: summary(flush),
        [back]: summary(back),
        [completing]: summary(completing),
      },
      clocks: this.#onOneClock === this.#timed ? "one" : this.#onOneClock === 0 ? "several" : "mixed",
    };
  }

  #phase(phase: ClearPhase): TimeHistogram {
    return this.#known(this.#phases, phase);
  }

  #known<Key>(map: Map<Key, TimeHistogram>, key: Key): TimeHistogram {
    const known = map.get(key) ?? new TimeHistogram(this.#unitNs);
    map.set(key, known);
    return known;
  }

  #pair(from: number, to: number): TimeHistogram {
    const key = `${from}-${to}`;
    const known = this.#pairs.get(key) ?? { from, to, histogram: new TimeHistogram(this.#unitNs) };
    this.#pairs.set(key, known);
    return known.histogram;
  }
}

function summaryOf(histogram: TimeHistogram): DistributionSummary {
  const { count, meanNs } = histogram;
  return { count, latencyUs: histogram.percentiles(microseconds), meanUs: microseconds(meanNs) };
}
