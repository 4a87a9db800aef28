/** What the page's script draws a sweep's curves from: every cell with the numbers that vary. */
import { axisTitles, valueText } from "../../study/cell-name.js";
import type { StudyMetric, StudySummary } from "../../study/summary.js";
import { short } from "./plots.js";

export interface SweepData {
  readonly axes: readonly { readonly title: string; readonly values: readonly string[] }[];
  readonly metrics: readonly string[];
  /** `at`: number of its value on each axis. `of`: per metric median, and low and high where there is an interval. */
  readonly cells: readonly { readonly at: readonly number[]; readonly of: readonly (readonly number[] | null)[] }[];
  /** Metrics that are left out, because a page would become too long. */
  readonly left: number;
}

/** Numbers in all cells together that a page can carry. */
const NUMBERS_MAX = 12_000;

/** What most sweeps are about comes first. */
const FIRST: readonly RegExp[] = [
  /^load\.responseUs\.p(50|99)$/,
  /^load\.serviceUs\.mean$/,
  /^nestedEntry\.(vmwrites|roundTrips)\.mean$/,
  /^crossCpuClear\.(meanUs|latencyUs\.p50|latencyUs\.p99)$/,
  /^operations\.(vmresume|place|destroy|vmptrld)\.latencyUs\.p50$/,
  /^(clears|pool)\./,
  /^crossCpuClear\.phases\.\w+\.meanUs$/,
  /\.latencyUs\.p(50|99)$/,
  /^simulation\.operations\.\w+\.roundTrips/,
  /^simulation\.cyclesByRow\./,
];
/** Percentiles between and beyond those, and the simulator's other units of the same times. */
const LEFT_OUT = /(\.latencyUs|^load\.\w+Us)\.(p90|p999|max)$|\.latency(Ns|Cycles)\./;

export function sweepData(summary: StudySummary): SweepData | undefined {
  const { axes, cells } = summary;
  if (axes.length === 0 || cells.length < 2) return undefined;
  const titles = axisTitles(axes.map(({ path }) => path));
  const all = [...new Set(cells.flatMap(({ metrics }) => Object.keys(metrics)))]
    .filter((metric) => !LEFT_OUT.test(metric) && cells.some((cell) => (cell.metrics[metric]?.median ?? 0) !== 0))
    .toSorted((left, right) => rank(left) - rank(right));
  const metrics = all.slice(0, Math.max(1, Math.floor(NUMBERS_MAX / cells.length)));
  return {
    axes: axes.map(({ values }, index) => ({ title: titles[index] ?? "", values: values.map(valueText) })),
    metrics,
    cells: cells.map((cell) => ({
      at: axes.map(({ path, values }) =>
        values.findIndex((value) => JSON.stringify(value) === JSON.stringify(cell.values[path])),
      ),
      of: metrics.map((metric) => numbersOf(cell.metrics[metric])),
    })),
    left: all.length - metrics.length,
  };
}

function numbersOf(metric: StudyMetric | undefined): number[] | null {
  if (metric === undefined) return null;
  const { median, interval } = metric;
  return [median, ...(interval === undefined ? [] : [interval.low, interval.high])].map(short);
}

function rank(metric: string): number {
  const at = FIRST.findIndex((pattern) => pattern.test(metric));
  return at < 0 ? FIRST.length : at;
}
