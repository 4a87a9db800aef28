/** A comparison for people. */
import type { CompareDocument, ComparedMetric } from "@vmcslab/lab/report";
import { Palette } from "./palette.js";
import { renderTable } from "./table.js";

/** Without a choice of the user's: what most comparisons are about. */
const SHOWN =
  /^series\.|\.latencyUs\.(?:p50|p99)$|^load\.\w+Us\.(?:p50|p99)$|^load\.(?:done|unfinished)|\.meanUs$|^(?:clears|pool)\./;
const ROWS_MAX = 60;

/** `all`: the user chose what to see. */
export function formatComparison(
  document: CompareDocument,
  { all, colour }: { all: boolean; colour: boolean },
): string {
  const { comparisons, a, b } = document;
  const rows = comparisons.filter(({ metric }) => all || SHOWN.test(metric));
  const shown = rows.slice(0, ROWS_MAX);
  const hidden = comparisons.length - shown.length;
  return `${[
    `A: ${a.experiment}, ${a.kind}, ${a.folder}`,
    `B: ${b.experiment}, ${b.kind}, ${b.folder}`,
    ...document.settings.map(
      ({ path, a: one, b: other }) => `differs: ${path}: A ${one ?? "not set"}, B ${other ?? "not set"}`,
    ),
    ...document.warnings.map((warning) => `warning: ${warning}`),
    comparedTable(shown, new Palette(colour)),
    ...(hidden > 0 ? [`${hidden} more numbers: --metric PATH, or --json`] : []),
    ...conclusions(document),
  ].join("\n")}\n`;
}

function comparedTable(rows: readonly ComparedMetric[], palette: Palette): string {
  const named = rows.some(({ cell }) => cell !== undefined);
  const head = [...(named ? ["cell"] : []), "number", "A", "B", "B against A", "95 % interval", "n", "verdict"];
  const lines = rows.map((row) => [
    ...(named ? [row.cell ?? ""] : []),
    row.metric,
    number(row.a),
    number(row.b),
    row.percent === undefined ? "–" : percent(row.percent),
    intervalText(row),
    row.samples.a === row.samples.b
      ? `${row.samples.a}${row.paired ? " pairs" : ""}`
      : `${row.samples.a}, ${row.samples.b}`,
    row.verdict,
  ]);
  return renderTable(head, lines, palette);
}

function intervalText({ percentInterval, difference }: ComparedMetric): string {
  if (percentInterval !== undefined) return `${percent(percentInterval.low)} … ${percent(percentInterval.high)}`;
  return difference === undefined ? "–" : `${number(difference.low)} … ${number(difference.high)}`;
}

/** What must be said aloud, so that nobody reads more out of the table than is in it. */
function conclusions({ comparisons, judged, different }: CompareDocument): string[] {
  const few = comparisons.filter(({ verdict }) => verdict === "too few samples").length;
  const intervals = comparisons.some(({ over }) => over === "intervals");
  return [
    ...(judged === 0
      ? []
      : [
          `${different} of ${judged} numbers differ; where nothing differs, one in twenty (here ${(judged / 20).toFixed(1)}) does so by chance`,
        ]),
    ...(comparisons.some(({ paired }) => paired)
      ? [
          "pairs: repetitions of one seed; the change is the median of their own changes, which need not be that of the medians",
        ]
      : []),
    ...(few === 0
      ? []
      : [`too few samples for ${few} numbers: 5 repetitions of each (repetitions: 5) give an interval`]),
    ...(intervals
      ? ["series.*: means over intervals of time; blocks of them were resampled, not operations (docs/reports.md)"]
      : []),
  ];
}

function percent(value: number): string {
  return `${value > 0 ? "+" : value < 0 ? "−" : ""}${Math.abs(value).toFixed(1)} %`;
}

function number(value: number): string {
  return Number.isInteger(value) ? `${value}` : value.toFixed(Math.abs(value) < 10 ? 3 : 1);
}
