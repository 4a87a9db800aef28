/** A study for people: a line per cell, the metrics that most questions are about. */
import {
  axisTitles,
  SAMPLES_MIN,
  type StudyCell,
  type StudyMetric,
  type StudySummary,
  studyVerdict,
  valueText,
} from "@vmcslab/lab/study";
import { Palette } from "./palette.js";
import { renderTable } from "./table.js";

/** Of these, those that the study has: what a reader asks for first. */
const SHOWN: readonly (readonly [metric: string, title: string])[] = [
  ["crossCpuClear.latencyUs.p50", "clear p50 µs"],
  ["crossCpuClear.latencyUs.p99", "clear p99 µs"],
  ["load.responseUs.p99", "response p99 µs"],
  ["operations.vmresume.latencyUs.p50", "vmresume p50 µs"],
  ["operations.place.latencyUs.p50", "place p50 µs"],
  ["operations.destroy.latencyUs.p50", "destroy p50 µs"],
  ["clears.crossCpu", "cross-CPU clears"],
];
const SHOWN_MAX = 5;

/** Missing runs that are listed; summary.json has all. */
const MISSING_SHOWN_MAX = 10;

export function formatStudy(summary: StudySummary, colour: boolean): string {
  const palette = new Palette(colour);
  const { experiment, seed, cells, repetitions, durationMs, missing, interrupted } = summary;
  const seconds = (durationMs / 1_000).toFixed(1);
  const absent = missing
    .slice(0, MISSING_SHOWN_MAX)
    .map(({ cell, repetition, why }) => `missing: ${cell}, repetition ${repetition}: ${why}`);
  const hidden = missing.length - absent.length;
  return `${[
    `${experiment}, seed ${seed}: ${palette.verdict(studyVerdict(summary))} (${cells.length} cells, ${repetitions} repetitions, ${seconds} s)`,
    cellsTable(summary, palette),
    ...notesOf(summary),
    ...(interrupted === undefined ? [] : [`ended early by ${interrupted}`]),
    ...absent,
    ...(hidden > 0 ? [`and ${hidden} more are missing`] : []),
    `folder: ${summary.folder}`,
  ].join("\n")}\n`;
}

function cellsTable({ axes, cells }: StudySummary, palette: Palette): string {
  const paths = axes.map(({ path }) => path);
  const shown = SHOWN.filter(([metric]) => cells.some(({ metrics }) => metrics[metric] !== undefined)).slice(
    0,
    SHOWN_MAX,
  );
  const head = [
    ...(paths.length === 0 ? ["cell"] : axisTitles(paths)),
    "runs",
    "verdict",
    ...shown.map(([, title]) => title),
  ];
  const rows = cells.map((cell) => [
    ...(paths.length === 0 ? [cell.name] : paths.map((path) => valueText(cell.values[path]))),
    `${cell.repetitions.length}`,
    verdictText(cell),
    ...shown.map(([metric]) => metricText(cell.metrics[metric])),
  ]);
  return renderTable(head, rows, palette);
}

function verdictText({ repetitions }: StudyCell): string {
  const kinds = (["invalid", "unknown", "valid"] as const).flatMap((verdict) => {
    const count = repetitions.filter((repetition) => repetition.verdict === verdict).length;
    return count === 0 ? [] : [count === repetitions.length ? verdict : `${count} ${verdict}`];
  });
  const missed = repetitions.filter(({ thresholdsMet }) => !thresholdsMet).length;
  return [...kinds, ...(missed === 0 ? [] : [`${missed} over threshold`])].join(", ") || "–";
}

/** The median, and the interval where there is one. */
function metricText(metric: StudyMetric | undefined): string {
  if (metric === undefined) return "–";
  const { median, interval } = metric;
  return interval === undefined
    ? number(median)
    : `${number(median)} [${number(interval.low)}, ${number(interval.high)}]`;
}

function number(value: number): string {
  return Number.isInteger(value) ? `${value}` : value.toFixed(Math.abs(value) < 10 ? 3 : 1);
}

function notesOf({ cells }: StudySummary): string[] {
  const few = cells.filter(({ repetitions }) => repetitions.length < SAMPLES_MIN).length;
  const medians = "medians over the repetitions, in brackets the 95 % interval of the bootstrap";
  if (few === 0) return [medians];
  return [
    `${few === cells.length ? "medians" : medians}; too few samples in ${few} of ${cells.length} cells: an interval takes ${SAMPLES_MIN} repetitions`,
  ];
}
