/** A study on a page, or one cell of it. */

import { CLEAR_PHASES } from "@vmcslab/history";
import { valueText } from "../../study/cell-name.js";
import { SAMPLES_MIN } from "../../study/statistics/median.js";
import { type StudyCell, type StudySummary, studyVerdict } from "../../study/summary.js";
import type { ReadLatencies, ReadPair } from "../read/schemas.js";
import type { CellSource, RunFiles, StudySource } from "../read/source.js";
import { type Distribution, distributionsOf, percentileCurve, percentileUs } from "./histograms.js";
import { type Content, html, type Markup } from "./html.js";
import { phaseBars } from "./phase-bars.js";
import { type PageData, type Plot, plotPlace } from "./plots.js";
import { predictionSection } from "./prediction-section.js";
import { pairParts, percentilePlotsOf, verdictMark } from "./run-section.js";
import { sweepData } from "./sweep.js";
import { durationText, folded, number, share, table, us } from "./tables.js";

/** Cells whose curves can be told apart in one plot. */
const CURVES_MAX = 12;
/** Cells whose phases are seen at once; those of more are folded. */
const BARS_MAX = 16;
/** Cells whose maps of CPU pairs a page carries. */
const MAPS_MAX = 6;
/** Of each cell, the distributions that are compared between cells. */
const COMPARED_DISTRIBUTIONS = [
  "load.response",
  "load.service",
  "crossCpuClear",
  "operations.vmresume",
  "operations.place",
];
const MISSING_SHOWN_MAX = 20;

export async function studySection(data: PageData, name: string, source: StudySource): Promise<Markup> {
  const { summary, folder } = source;
  const { experiment, seed, about, cells, repetitions, startedAt, durationMs, again } = summary;
  return html`<section><h2>${experiment}, seed ${seed}: ${verdictMark(studyVerdict(summary))}</h2>${about === undefined ? "" : html`<p>${about}</p>`}
<p class="facts">A study of ${cells.length} cells, ${repetitions} repetitions, ${startedAt}, ${durationText(durationMs)}</p>
${problemsOf(summary)}${sweepPart(data, name, summary)}${predictionSection(data, name, summary)}${phasesPart(summary)}${await distributionsPart(data, name, source)}
<p class="facts">Folder <code>${folder}</code>. Again: <code>${again}</code></p></section>`;
}

/** The repetitions of one cell, as one. */
export async function cellSection(
  data: PageData,
  name: string,
  { name: cell, folder, runs }: CellSource,
): Promise<Markup> {
  const latencies = await latenciesOf(runs);
  const distributions = distributionsOf(latencies, (each) => !each.includes(".pair."));
  const plots = percentilePlotsOf(distributions);
  return html`<section><h2>${cell}: ${runs.length} repetitions</h2>
${plots.length === 0 ? "" : html`<h3>Percentiles, all repetitions together</h3>${plotPlace(data, `${name}-percentiles`, plots)}${folded("Numbers", distributionTable(distributions.map((each) => [each.name, each])))}`}
${pairsOf(latencies)}<p class="facts">Folder <code>${folder}</code></p></section>`;
}

function problemsOf({ missing, cells, interrupted, axes }: StudySummary): Content {
  const few = cells.filter(({ repetitions }) => repetitions.length < SAMPLES_MIN).length;
  const missed = cells.flatMap(({ name, repetitions }) => {
    const over = repetitions.filter(({ thresholdsMet }) => !thresholdsMet).length;
    const wrong = repetitions.filter(({ verdict }) => verdict !== "valid").length;
    return [
      ...(over === 0 ? [] : [`${name}: ${over} runs did not meet a threshold`]),
      ...(wrong === 0 ? [] : [`${name}: ${wrong} runs are not valid`]),
    ];
  });
  const absent = missing
    .slice(0, MISSING_SHOWN_MAX)
    .map(({ cell, repetition, why }) => `missing: ${cell}, repetition ${repetition}: ${why}`);
  const lines = [
    ...(interrupted === undefined ? [] : [`ended early by ${interrupted}`]),
    ...(few === 0
      ? []
      : [`too few samples in ${few} of ${cells.length} cells: an interval takes ${SAMPLES_MIN} repetitions`]),
    ...missed,
    ...absent,
    ...(missing.length > absent.length ? [`and ${missing.length - absent.length} more are missing`] : []),
  ];
  const varied = axes.map(
    ({ path, values }) => html`<li><code>${path}</code>: ${values.map(valueText).join(", ")}</li>`,
  );
  return [
    varied.length === 0 ? "" : html`<ul>${varied}</ul>`,
    lines.length === 0 ? "" : html`<ul class="problems">${lines.map((line) => html`<li>${line}</li>`)}</ul>`,
  ];
}

function sweepPart(data: PageData, name: string, summary: StudySummary): Content {
  const sweep = sweepData(summary);
  if (sweep === undefined) return folded("Every number", everyNumber(summary.cells));
  data.sweeps[name] = sweep;
  return html`<h3>The sweep</h3><p>Medians over the repetitions; bars are 95 % intervals of the bootstrap.${sweep.left === 0 ? "" : ` ${sweep.left} more numbers are in summary.json.`}</p><div class="sweep" data-sweep="${name}"></div>${folded("Numbers", cellsTable(summary, sweep.metrics.slice(0, 8)))}`;
}

function cellsTable({ cells }: StudySummary, metrics: readonly string[]): Markup {
  const rows = cells.map((cell) => [
    cell.name,
    cell.repetitions.length,
    ...metrics.map((metric) => metricText(cell, metric)),
  ]);
  return table(["cell", "runs", ...metrics], rows);
}

function everyNumber(cells: readonly StudyCell[]): Markup {
  const rows = cells.flatMap((cell) => Object.keys(cell.metrics).map((metric) => [metric, metricText(cell, metric)]));
  return table(["number", "median [interval]"], rows);
}

function metricText({ metrics }: StudyCell, name: string): string {
  const metric = metrics[name];
  if (metric === undefined) return "–";
  const { median, interval } = metric;
  return interval === undefined
    ? number(median)
    : `${number(median)} [${number(interval.low)}, ${number(interval.high)}]`;
}

/** Phases of every cell; of both ways apart, because their scales have nothing to do with each other. */
function phasesPart({ cells }: StudySummary): Content {
  const mean = ({ metrics }: StudyCell, phase: string) => metrics[`crossCpuClear.phases.${phase}.meanUs`]?.median ?? 0;
  return (["processes", "simulated"] as const).map((way) => {
    const timed = cells.filter((cell) => cell.way === way && CLEAR_PHASES.some((phase) => mean(cell, phase) > 0));
    if (timed.length === 0) return "";
    const bars = timed.map((cell) => ({
      label: withoutWay(cell.name),
      meansUs: Object.fromEntries(CLEAR_PHASES.map((phase) => [phase, mean(cell, phase)])),
    }));
    const rows = bars.map(({ label, meansUs }) => {
      const whole = CLEAR_PHASES.reduce((sum, phase) => sum + (meansUs[phase] ?? 0), 0);
      return [
        label,
        us(whole),
        ...CLEAR_PHASES.map((phase) => `${us(meansUs[phase])} (${share(meansUs[phase] ?? 0, whole)})`),
      ];
    });
    return html`<h3>Where a cross-CPU clear spends its time: ${way}</h3><p>Means of each phase, median over the repetitions.</p>${phaseBars(bars.slice(0, BARS_MAX), { relative: false })}${bars.length > BARS_MAX ? folded(`${bars.length - BARS_MAX} more cells`, phaseBars(bars.slice(BARS_MAX), { relative: false })) : ""}${folded("Numbers", table(["µs", "sum", ...CLEAR_PHASES], rows))}`;
  });
}

/** What a place says itself need not be said of each cell in it. */
function withoutWay(name: string): string {
  return name.replace(/,?way=(processes|simulated)$/, "") || "the experiment";
}

/** Percentile curves of the cells, and their maps of CPU pairs. */
async function distributionsPart(data: PageData, name: string, { summary, runsOf }: StudySource): Promise<Content> {
  const shown = summary.cells.filter(({ repetitions }) => repetitions.length > 0).slice(0, CURVES_MAX);
  const perCell: { cell: string; way: StudyCell["way"]; distributions: Distribution[] }[] = [];
  const maps: Content[] = [];
  for (const { name: cell, way } of shown) {
    const latencies = await latenciesOf(await runsOf(cell));
    perCell.push({
      cell,
      way,
      distributions: distributionsOf(latencies, (each) => COMPARED_DISTRIBUTIONS.includes(each)),
    });
    const map = maps.length < MAPS_MAX ? pairsOf(latencies) : "";
    if (map !== "") maps.push(folded(`Cross-CPU clears by pair of CPUs: ${cell}`, map));
  }
  const ways = [...new Set(perCell.map(({ way }) => way))];
  const plots = COMPARED_DISTRIBUTIONS.flatMap((distribution) =>
    ways.flatMap((way): Plot[] => {
      const series = perCell.flatMap((each) => {
        const found = each.distributions.find(({ name: other }) => other === distribution);
        return found === undefined || each.way !== way ? [] : [percentileCurve(found, withoutWay(each.cell))];
      });
      if (series.length === 0) return [];
      const title = ways.length < 2 ? distribution : `${distribution}, ${way}`;
      return [{ title, x: { label: "percentile", kind: "percentile" }, y: { label: "µs", log: true }, series }];
    }),
  );
  if (plots.length === 0) return maps;
  const left = summary.cells.length - shown.length;
  const rows = perCell.flatMap(({ cell, distributions }) =>
    distributions.map((each) => [`${each.name}: ${cell}`, each] as const),
  );
  return [
    html`<h3>Percentiles, all repetitions together</h3>${left > 0 ? html`<p>The first ${shown.length} cells; <code>vmcslab report</code> of a cell's folder shows any other.</p>` : ""}${plotPlace(data, `${name}-percentiles`, plots)}${folded("Numbers", distributionTable(rows))}`,
    ...maps,
  ];
}

function distributionTable(rows: readonly (readonly [label: string, distribution: Distribution])[]): Markup {
  const cells = rows.map(([label, each]) => [
    label,
    each.histogram.totalCount,
    ...[50, 90, 99, 99.9, 100].map((percentile) => us(percentileUs(each, percentile))),
  ]);
  return table(["µs", "count", "p50", "p90", "p99", "p99.9", "max"], cells);
}

/** By pair of CPUs, from the histograms of all repetitions. */
function pairsOf(latencies: readonly ReadLatencies[]): Content {
  const pairs = distributionsOf(latencies, (each) => each.startsWith("crossCpuClear.pair.")).flatMap(
    (each): ReadPair[] => {
      const [, from, to] = /\.(\d+)-(\d+)$/.exec(each.name) ?? [];
      if (from === undefined || to === undefined) return [];
      const at = (percentile: number) => percentileUs(each, percentile);
      const latencyUs = { p50: at(50), p90: at(90), p99: at(99), p999: at(99.9), max: at(100) };
      return [{ from: Number(from), to: Number(to), count: each.histogram.totalCount, latencyUs }];
    },
  );
  const sorted = pairs.toSorted((left, right) => left.from - right.from || left.to - right.to);
  return sorted.length === 0 ? "" : pairParts(sorted);
}

async function latenciesOf(runs: readonly RunFiles[]): Promise<ReadLatencies[]> {
  const all = await Promise.all(runs.map((run) => run.latencies()));
  return all.filter((latencies) => latencies !== undefined);
}
