/** Several runs and cells over each other; two of anything also number by number. */
import { type ComparedMetric, compareSources } from "../compare/compare.js";
import type { ReadLatencies } from "../read/schemas.js";
import type { ReportSource } from "../read/source.js";
import { type Distribution, distributionsOf, percentileCurve } from "./histograms.js";
import { type Content, html, type Markup } from "./html.js";
import { type PageData, type Plot, plotPlace } from "./plots.js";
import { rank } from "./run-section.js";
import { folded, number, table } from "./tables.js";

/** Curves that can be told apart. */
const CURVES_MAX = 12;

/** `name`: once in a page. */
export async function togetherSection(data: PageData, name: string, sources: readonly ReportSource[]): Promise<Markup> {
  const labels = labelsOf(sources);
  const shown = sources.slice(0, CURVES_MAX);
  const distributions = await Promise.all(shown.map(distributionsOfSource));
  const plots = plotsOf(distributions, labels);
  return html`<section><h2>Together</h2><ul>${sources.map(({ folder }, index) => html`<li>${labels[index] ?? ""}: <code>${folder}</code></li>`)}</ul>${plots.length === 0 ? "" : html`<h3>Percentiles</h3>${plotPlace(data, `${name}-percentiles`, plots)}`}${await comparisonPart(sources)}</section>`;
}

/** The last parts of the folders, as many as tell them apart; A and B where there are two, as in a comparison. */
function labelsOf(sources: readonly ReportSource[]): string[] {
  const paths = sources.map(({ folder }) => folder.split("/"));
  const ending = (count: number) => paths.map((path) => path.slice(-count).join("/"));
  const longest = Math.max(...paths.map(({ length }) => length));
  let count = 1;
  while (count < longest && new Set(ending(count)).size < sources.length) count++;
  const names = ending(count);
  return sources.length === 2 ? names.map((name, index) => `${index === 0 ? "A" : "B"}: ${name}`) : names;
}

/** A study has no distribution of its own, only its cells have. */
async function distributionsOfSource(source: ReportSource): Promise<Distribution[]> {
  const runs = source.kind === "run" ? [source.run] : source.kind === "cell" ? source.runs : [];
  const latencies = await Promise.all(runs.map((run) => run.latencies()));
  const there = latencies.filter((one): one is ReadLatencies => one !== undefined);
  return distributionsOf(there, (each) => !each.includes(".pair."));
}

/** Of every distribution that more than one has. */
function plotsOf(distributions: readonly (readonly Distribution[])[], labels: readonly string[]): Plot[] {
  const names = new Set(distributions.flatMap((one) => one.map(({ name }) => name)));
  const sorted = [...names].toSorted((left, right) => rank(left) - rank(right));
  return sorted.flatMap((name): Plot[] => {
    const series = distributions.flatMap((one, index) => {
      const found = one.find((each) => each.name === name);
      return found === undefined ? [] : [percentileCurve(found, labels[index] ?? "")];
    });
    if (series.length < 2) return [];
    return [{ title: name, x: { label: "percentile", kind: "percentile" }, y: { label: "µs", log: true }, series }];
  });
}

async function comparisonPart(sources: readonly ReportSource[]): Promise<Content> {
  const [a, b, ...others] = sources;
  if (a === undefined || b === undefined || others.length > 0) return "";
  const { comparisons, settings, warnings, judged, different } = await compareSources(a, b);
  const differing = comparisons.filter(({ verdict }) => verdict === "B lower" || verdict === "B higher");
  const head = ["number", "A", "B", "B against A", "95 % interval", "verdict"];
  const notes = [
    ...settings.map(({ path, a: one, b: other }) => `differs: ${path}: A ${one ?? "not set"}, B ${other ?? "not set"}`),
    ...warnings.map((warning) => `warning: ${warning}`),
    judged === 0
      ? "too few samples: no number has an interval"
      : `${different} of ${judged} numbers differ; where nothing differs, one in twenty does so by chance`,
  ];
  return html`<h3>A and B compared</h3><ul>${notes.map((line) => html`<li>${line}</li>`)}</ul>${differing.length === 0 ? "" : table(head, differing.map(rowOf))}${folded("Every number", table(head, comparisons.map(rowOf)))}`;
}

function rowOf({ cell, metric, a, b, percent, percentInterval, verdict }: ComparedMetric): string[] {
  const interval =
    percentInterval === undefined ? "–" : `${percentText(percentInterval.low)} … ${percentText(percentInterval.high)}`;
  const label = cell === undefined ? metric : `${cell}: ${metric}`;
  return [label, number(a), number(b), percent === undefined ? "–" : percentText(percent), interval, verdict];
}

function percentText(value: number): string {
  return `${value > 0 ? "+" : ""}${value.toFixed(1)} %`;
}
