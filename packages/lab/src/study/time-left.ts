/** How far a study is, and how long it will take yet. */
import type { Clock } from "@vmcslab/runtime";
import type { ScheduledRun } from "./plan.js";

export interface StudyPace {
  /** Number of the run that goes on, from 1. */
  readonly number: number;
  readonly runs: number;
  /** Undefined: nothing is known yet. */
  readonly leftMs: () => number | undefined;
}

/** A cell's runs take about as long as its earlier ones; of a cell that had none yet, as long as all have on average. */
export class TimeLeft {
  readonly #clock: Clock;
  readonly #open: Set<ScheduledRun>;
  readonly #runs: number;
  readonly #took = new Map<string, number[]>();
  #begunNs = 0;

  constructor(schedule: readonly ScheduledRun[], clock: Clock) {
    this.#open = new Set(schedule);
    this.#runs = schedule.length;
    this.#clock = clock;
  }

  begin(): void {
    this.#begunNs = this.#clock.monoNs();
  }

  end(run: ScheduledRun): void {
    const took = (this.#clock.monoNs() - this.#begunNs) / 1e6;
    this.#took.set(run.cell.name, [...(this.#took.get(run.cell.name) ?? []), took]);
    this.#open.delete(run);
  }

  pace(): StudyPace {
    return { number: this.#runs - this.#open.size + 1, runs: this.#runs, leftMs: () => this.#leftMs() };
  }

  #leftMs(): number | undefined {
    const all = [...this.#took.values()].flat();
    if (all.length === 0) return undefined;
    const expected = [...this.#open].map(({ cell }) => mean(this.#took.get(cell.name) ?? all));
    const passed = (this.#clock.monoNs() - this.#begunNs) / 1e6;
    return Math.max(0, expected.reduce((sum, value) => sum + value, 0) - passed);
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
