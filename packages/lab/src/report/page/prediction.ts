/**
 * Live and predicted, side by side. Microseconds of processes and cycles of a CPU have no common unit, so two things without a unit are compared: how a clear's time is shared among its phases, and by which
 * factor a number changes from one cell to another.
 */

import { CLEAR_PHASES } from "@vmcslab/history";
import { WAY_PATH } from "../../study/axes.js";
import { axisTitles, valueText } from "../../study/cell-name.js";
import { type Comparison, compareSamples } from "../../study/statistics/compare.js";
import { medianInterval, medianOf } from "../../study/statistics/median.js";
import type { StudyCell, StudySummary } from "../../study/summary.js";

/** Cells that differ in the way to run alone. */
export interface CellPair {
  /** Their values on the other axes. */
  readonly label: string;
  readonly live: StudyCell;
  readonly predicted: StudyCell;
}

export interface SharedPhase {
  readonly phase: string;
  /** In per cent of the whole: A is live, B predicted. */
  readonly shares: Comparison;
}

export interface RatioRow {
  readonly label: string;
  /** Relative to the first cell: A is live, B predicted. */
  readonly ratios: Comparison;
  readonly live: RatioInterval;
  readonly predicted: RatioInterval;
}

export interface RatioInterval {
  readonly median: number;
  readonly low?: number;
  readonly high?: number;
}

/** Numbers whose ratios are compared, where a study has them. */
export const COMPARED: readonly string[] = [
  "crossCpuClear.meanUs",
  "crossCpuClear.latencyUs.p50",
  "load.responseUs.p50",
  "operations.vmresume.latencyUs.p50",
  "operations.place.latencyUs.p50",
  "operations.destroy.latencyUs.p50",
  "clears.crossCpu",
  "pool.recycles",
];

export function cellPairs({ axes, cells }: StudySummary): CellPair[] {
  const paths = axes.map(({ path }) => path).filter((path) => path !== WAY_PATH);
  const titles = axisTitles(paths);
  const keyOf = ({ values }: StudyCell) => JSON.stringify(paths.map((path) => values[path]));
  const predicted = new Map(cells.filter(({ way }) => way === "simulated").map((cell) => [keyOf(cell), cell]));
  return cells
    .filter(({ way }) => way === "processes")
    .flatMap((live) => {
      const other = predicted.get(keyOf(live));
      if (other === undefined || live.repetitions.length === 0 || other.repetitions.length === 0) return [];
      const label = paths.map((path, index) => `${titles[index]} ${valueText(live.values[path])}`).join(", ");
      return [{ label: label === "" ? "the experiment" : label, live, predicted: other }];
    });
}

/** Undefined: one of the two has no phases. */
export function phaseShares({ live, predicted }: CellPair): SharedPhase[] | undefined {
  const [ofLive, ofPredicted] = [sharesOf(live), sharesOf(predicted)];
  if (ofLive.length === 0 || ofPredicted.length === 0) return undefined;
  return CLEAR_PHASES.map((phase) => ({
    phase,
    shares: compareSamples(
      ofLive.map((shares) => shares[phase] ?? 0),
      ofPredicted.map((shares) => shares[phase] ?? 0),
      false,
    ),
  }));
}

/** Of each repetition that has phases, the share of each in per cent. */
function sharesOf({ metrics, repetitions }: StudyCell): Record<string, number>[] {
  return repetitions.flatMap((_, index) => {
    const means = CLEAR_PHASES.map(
      (phase) => [phase, metrics[`crossCpuClear.phases.${phase}.meanUs`]?.values[index] ?? null] as const,
    );
    const whole = means.reduce((sum, [, mean]) => sum + (mean ?? 0), 0);
    if (whole === 0) return [];
    return [Object.fromEntries(means.map(([phase, mean]) => [phase, (100 * (mean ?? 0)) / whole]))];
  });
}

/** By which factor the number differs from the first pair's cell, in each way; paired by repetition. Empty: it has no such number. */
export function ratioRows(pairs: readonly CellPair[], metric: string): RatioRow[] {
  const [first] = pairs;
  if (first === undefined) return [];
  return pairs.flatMap(({ label, live, predicted }) => {
    const ofLive = ratiosOf(live, first.live, metric);
    const ofPredicted = ratiosOf(predicted, first.predicted, metric);
    if (ofLive.length === 0 || ofPredicted.length === 0) return [];
    return [
      {
        label,
        ratios: compareSamples(ofLive, ofPredicted, false),
        live: intervalOf(ofLive),
        predicted: intervalOf(ofPredicted),
      },
    ];
  });
}

/** Repetitions of one number belong together: the cells were run one soon after the other, with one seed. */
function ratiosOf(cell: StudyCell, base: StudyCell, metric: string): number[] {
  return cell.repetitions.flatMap(({ repetition }, index) => {
    const at = base.repetitions.findIndex((other) => other.repetition === repetition);
    const value = cell.metrics[metric]?.values[index] ?? null;
    const reference = base.metrics[metric]?.values[at] ?? null;
    return value === null || reference === null || reference === 0 ? [] : [value / reference];
  });
}

function intervalOf(ratios: readonly number[]): RatioInterval {
  return { median: medianOf(ratios), ...(medianInterval(ratios) ?? {}) };
}
