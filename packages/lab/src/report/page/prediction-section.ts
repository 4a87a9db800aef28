/** Live and predicted on a page: plots, tables, and in words where they differ. */
import type { Comparison } from "../../study/statistics/compare.js";
import { SAMPLES_MIN } from "../../study/statistics/median.js";
import type { StudySummary } from "../../study/summary.js";
import { type Content, html, type Markup } from "./html.js";
import { phaseBars } from "./phase-bars.js";
import { type PageData, type Plot, plotPlace, short } from "./plots.js";
import {
  type CellPair,
  COMPARED,
  cellPairs,
  phaseShares,
  type RatioInterval,
  type RatioRow,
  ratioRows,
} from "./prediction.js";
import { folded, table } from "./tables.js";

/** Pairs whose phases are drawn; of more, the table has them all. */
const PAIRS_DRAWN_MAX = 8;

/** Empty: the study was not run in both ways. */
export function predictionSection(data: PageData, name: string, summary: StudySummary): Content {
  const pairs = cellPairs(summary);
  if (pairs.length === 0) return "";
  return html`<h3>Live and predicted</h3><p>Microseconds of processes and cycles of a CPU have no common unit. Compared is what has none: how the time of a clear is shared among its phases, and by which factor a number changes from the first cell to another. “Beyond the interval” means that the 95 % interval of the difference of the medians leaves out 0; where live and prediction agree, one in twenty does so by chance.</p>
${sharesPart(pairs)}${ratiosPart(data, name, pairs)}`;
}

function sharesPart(pairs: readonly CellPair[]): Content {
  const compared = pairs.flatMap((pair) => {
    const shares = phaseShares(pair);
    return shares === undefined ? [] : [{ label: pair.label, shares }];
  });
  if (compared.length === 0) return "";
  const bars = compared.slice(0, PAIRS_DRAWN_MAX).flatMap(({ label, shares }) =>
    (["a", "b"] as const).map((side) => ({
      label: side === "a" ? `${label}: live` : "predicted",
      percent: Object.fromEntries(shares.map(({ phase, shares: both }) => [phase, both[side]])),
    })),
  );
  const rows = compared.flatMap(({ label, shares }) =>
    shares.map(({ phase, shares: both }) => [
      `${label}: ${phase}`,
      percent(both.a),
      percent(both.b),
      differenceText(both, " points"),
      words(both),
    ]),
  );
  const sentences = compared.flatMap(({ label, shares }) => {
    const few = tooFew(shares.map(({ shares: both }) => both));
    const beyond = shares.filter(({ shares: both }) => isBeyond(both));
    const named = beyond.map(
      ({ phase, shares: both }) => `${phase} (live ${percent(both.a)}, predicted ${percent(both.b)})`,
    );
    if (few === undefined && named.length === 0) return [];
    return html`<li>${label}: ${few ?? `beyond the interval differ ${named.join(", ")}.`}</li>`;
  });
  const alike = compared.length - sentences.length;
  const agreeing =
    alike === 0
      ? []
      : [html`<li>In ${alike} of ${compared.length} cells no phase's share differs beyond the interval.</li>`];
  return html`<h4>Shares of the phases of a cross-CPU clear</h4>${phaseBars(
    bars.map(({ label, percent: meansUs }) => ({ label, meansUs })),
    { relative: true, unit: "%" },
  )}<ul>${[...sentences, ...agreeing]}</ul>${folded("Numbers", table(["phase", "live", "predicted", "predicted − live", "verdict"], rows))}`;
}

function ratiosPart(data: PageData, name: string, pairs: readonly CellPair[]): Content {
  if (pairs.length < 2) return html`<p>One cell alone has no ratio to another.</p>`;
  const compared = COMPARED.map((metric) => ({ metric, rows: ratioRows(pairs, metric) })).filter(
    ({ rows }) => rows.length > 1,
  );
  if (compared.length === 0) return "";
  const sentences = compared.map(({ metric, rows }) => sentenceOf(metric, rows));
  const cells = compared.flatMap(({ metric, rows }) =>
    rows.map(({ label, live, predicted, ratios }) => [
      `${metric}: ${label}`,
      ratioText(live),
      ratioText(predicted),
      differenceText(ratios, ""),
      words(ratios),
    ]),
  );
  return html`<h4>Relative to ${pairs[0]?.label ?? ""}</h4>${plotPlace(
    data,
    `${name}-ratios`,
    compared.map(({ metric, rows }) => ratioPlot(metric, rows)),
  )}<ul>${sentences}</ul>${folded("Numbers", table(["number and cell", "live", "predicted", "predicted − live", "verdict"], cells))}`;
}

function ratioPlot(metric: string, rows: readonly RatioRow[]): Plot {
  const x = rows.map((_, index) => index);
  const seriesOf = (label: string, side: "live" | "predicted") => ({
    label,
    x,
    y: rows.map((row) => short(row[side].median)),
    low: rows.map((row) => row[side].low ?? null),
    high: rows.map((row) => row[side].high ?? null),
  });
  return {
    title: metric,
    x: { label: "cell", kind: "category", names: rows.map(({ label }) => label) },
    y: { label: "times the first cell's", log: false },
    series: [seriesOf("live", "live"), seriesOf("predicted", "predicted")],
  };
}

function sentenceOf(metric: string, rows: readonly RatioRow[]): Markup {
  const others = rows.slice(1);
  const beyond = others.filter(({ ratios }) => isBeyond(ratios));
  const named = beyond.map(
    ({ label, live, predicted }) =>
      `${label} (live ×${live.median.toFixed(2)}, predicted ×${predicted.median.toFixed(2)})`,
  );
  const few = tooFew(others.map(({ ratios }) => ratios));
  const text =
    few ??
    (named.length === 0
      ? "prediction and live differ nowhere beyond the interval."
      : `prediction and live differ beyond the interval in ${named.length} of ${others.length} cells: ${named.join("; ")}.`);
  return html`<li><b>${metric}</b>: ${text}</li>`;
}

function isBeyond({ verdict }: Comparison): boolean {
  return verdict === "B lower" || verdict === "B higher";
}

function tooFew(comparisons: readonly Comparison[]): string | undefined {
  if (comparisons.some(({ verdict }) => verdict !== "too few samples")) return undefined;
  return `too few samples: an interval takes ${SAMPLES_MIN} repetitions.`;
}

function words({ verdict }: Comparison): string {
  if (verdict === "B lower") return "predicted lower";
  return verdict === "B higher" ? "predicted higher" : verdict;
}

function differenceText({ a, b, difference }: Comparison, unit: string): string {
  const interval = difference === undefined ? "" : ` [${difference.low.toFixed(2)}, ${difference.high.toFixed(2)}]`;
  return `${(b - a).toFixed(2)}${unit}${interval}`;
}

function percent(value: number): string {
  return `${value.toFixed(1)} %`;
}

function ratioText({ median, low, high }: RatioInterval): string {
  return `×${median.toFixed(3)}${low === undefined || high === undefined ? "" : ` [${low.toFixed(3)}, ${high.toFixed(3)}]`}`;
}
