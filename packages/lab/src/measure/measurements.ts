/** All that a run measures beside single numbers: whole distributions, how they went over time, when faults acted. */
import type { HistoryEvent } from "@vmcslab/history";
import { type ClearReport, ClearTimes } from "./clear-times.js";
import { EntryCosts, type EntryReport } from "./entry-costs.js";
import { FaultBands } from "./fault-bands.js";
import type { TimeHistogram } from "./histogram.js";
import { LATENCY_SCHEMA, type LatencyFile } from "./latency-file.js";
import { SeriesRecorder } from "./series.js";
import type { Warmup } from "./warmup.js";

export interface MeasurementOptions {
  /** Nanoseconds of one unit of the histograms. */
  readonly unitNs: number;
  /** When the workload begins, by both clocks of the run. */
  readonly startUs: number;
  readonly startNs: number;
  readonly warmup: Warmup;
}

export class Measurements {
  readonly #options: MeasurementOptions;
  readonly #series: SeriesRecorder;
  readonly #clears: ClearTimes;
  readonly #entries: EntryCosts;
  readonly #faults = new FaultBands();

  constructor(options: MeasurementOptions) {
    this.#options = options;
    const { unitNs, startNs, warmup } = options;
    this.#series = new SeriesRecorder(unitNs);
    const isMeasured = (beganNs: number): boolean => !warmup.covers(startNs + beganNs);
    this.#clears = new ClearTimes({ unitNs, isMeasured, series: this.#series });
    this.#entries = new EntryCosts(isMeasured);
  }

  /** Something that goes into a histogram ended at `atNs` of the run's monotonic clock. */
  readonly noteRecord = (name: string, atNs: number, durationNs: number): void =>
    this.#series.record(name, atNs - this.#options.startNs, durationNs);

  /** Reads the run's history, L0's events in their order. `sharedClock`: every source read the monotonic clock that the run reads; otherwise wall clocks must do. */
  historyReader(sharedClock: boolean): (event: HistoryEvent) => void {
    const { startNs, startUs } = this.#options;
    return (event) => {
      const atNs = sharedClock ? event.monoNs - startNs : (event.wallUs - startUs) * 1_000;
      this.#clears.observe(event, atNs);
      this.#entries.observe(event, atNs);
      this.#faults.observe(event, atNs);
    };
  }

  /** Undefined: there was no cross-CPU clear. */
  clears(): ClearReport | undefined {
    return this.#clears.report();
  }

  /** Undefined: there was no nested entry. */
  nestedEntry(): EntryReport | undefined {
    return this.#entries.report();
  }

  /** Every histogram by its name: those that were measured elsewhere, and those of clears. */
  histograms(others: readonly ReadonlyMap<string, TimeHistogram>[]): ReadonlyMap<string, TimeHistogram> {
    return new Map([...others, this.#clears.histograms()].flatMap((histograms) => [...histograms]));
  }

  file(histograms: ReadonlyMap<string, TimeHistogram>, durationMs: number): LatencyFile {
    const { unitNs, startUs } = this.#options;
    return {
      schema: LATENCY_SCHEMA,
      ...{ unitNs, startWallUs: startUs, durationMs },
      histograms: Object.fromEntries([...histograms].map(([name, histogram]) => [name, histogram.encode()])),
      series: this.#series.series(),
      faults: this.#faults.bands(),
    };
  }
}
