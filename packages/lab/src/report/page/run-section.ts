/** One run, or the repetitions of one cell, on a page. */

import { CLEAR_PHASES } from "@vmcslab/history";
import type { ReadLatencies, ReadPair, ReadResult } from "../read/schemas.js";
import type { RunFiles } from "../read/source.js";
import { heatMap } from "./heat-map.js";
import { type Distribution, distributionsOf, percentileCurve, percentileUs } from "./histograms.js";
import { type Content, html, type Markup } from "./html.js";
import { phaseBars } from "./phase-bars.js";
import { type PageData, type Plot, plotPlace, short } from "./plots.js";
import { durationText, folded, number, share, table, us } from "./tables.js";

const CLEAR = "crossCpuClear";
/** More rows nobody reads, and result.json has them all. */
const PAIRS_LISTED_MAX = 200;

/** `name`: once in a page. */
export async function runSection(data: PageData, name: string, run: RunFiles): Promise<Markup> {
  const { result, folder } = run;
  const latencies = await run.latencies();
  return html`<section><h2>${result.experiment}, seed ${result.seed}: ${verdictMark(result.verdict)}</h2>
<p class="facts">${factsOf(result)}</p>${problemsOf(result)}${loadPart(result)}
${latencies === undefined ? html`<p>The run has no latencies.json: an older version wrote it.</p>` : latencyParts(data, name, latencies)}
${clearParts(result)}
<p class="facts">Folder <code>${folder}</code>. Again: <code>${result.again}</code></p></section>`;
}

function latencyParts(data: PageData, name: string, latencies: ReadLatencies): Content[] {
  const distributions = distributionsOf([latencies], (each) => !each.includes(".pair."));
  const percentilePlots = percentilePlotsOf(distributions);
  const timePlots = timePlotsOf(latencies);
  return [
    percentilePlots.length === 0
      ? ""
      : html`<h3>Percentiles</h3><p>How long the slowest took: each step to the right leaves a tenth of what was left. A name in the legend hides and shows its curve; drag to zoom in, double click to zoom out.</p>${plotPlace(data, `${name}-percentiles`, percentilePlots)}${folded("Numbers", distributionTable(distributions))}`,
    timePlots.length === 0
      ? ""
      : html`<h3>Over time</h3><p>Intervals of ${durationText(latencies.series.intervalMs)}, by when an operation ended.${latencies.faults.length === 0 ? "" : ` Marked: when a fault acted.`}</p>${plotPlace(data, `${name}-time`, timePlots)}${faultTable(latencies)}`,
  ];
}

/** What was asked of the host, what became of it, and whether who asked kept time. */
function loadPart({ load }: ReadResult): Content {
  if (load === undefined) return "";
  const { unit, model, intended, sent, done, unfinished, donePerSecond, warmup, generator } = load;
  const left =
    warmup.units === 0 && warmup.operations === 0
      ? "no warm-up"
      : `left out as warm-up: ${durationText(warmup.durationMs)}, ${warmup.units} units, ${warmup.operations} operations`;
  const behind = generator?.fellBehind === true;
  return html`<p>Load: ${model} model, a unit is ${unit}; ${intended} were due, ${sent} begun, ${done} done, ${unfinished} not; ${number(donePerSecond)} per second; ${left}.</p>${generator === undefined ? "" : behind ? html`<ul class="problems"><li>${generator.note}</li></ul>` : html`<p>${generator.note}</p>`}`;
}

/** Those that can be seen together, each together. */
export function percentilePlotsOf(distributions: readonly Distribution[]): Plot[] {
  const groups: [string, (name: string) => string | undefined][] = [
    ["units of load", (name) => (/^load\./.test(name) ? name.slice("load.".length) : undefined)],
    [
      "operations, at the caller",
      (name) => (/^operations\./.test(name) ? name.slice("operations.".length) : undefined),
    ],
    [
      "cross-CPU clears, whole and by phase",
      (name) => (name === CLEAR ? "whole" : /^crossCpuClear\./.test(name) ? name.slice(CLEAR.length + 1) : undefined),
    ],
  ];
  return groups.flatMap(([title, labelOf]) => {
    const series = distributions.flatMap((distribution) => {
      const label = labelOf(distribution.name);
      return label === undefined ? [] : [percentileCurve(distribution, label)];
    });
    if (series.length === 0) return [];
    return [{ title, x: { label: "percentile", kind: "percentile" as const }, y: { label: "µs", log: true }, series }];
  });
}

function timePlotsOf({ series, durationMs, faults }: ReadLatencies): Plot[] {
  const bands = faults.map(({ name, action, cpu, fromMs, toMs }) => ({
    from: fromMs,
    to: toMs ?? durationMs,
    label: `${name === "" ? action : name}${cpu === undefined ? "" : `, CPU ${cpu}`}`,
  }));
  return Object.entries(series.points)
    .filter(([, points]) => points.length > 1)
    .map(([title, points]) => {
      const x = points.map(({ atMs }) => short(atMs));
      return {
        title,
        x: { label: "ms since the workload began", kind: "linear" as const },
        y: { label: "µs", log: true },
        series: [
          { label: "p50", x, y: points.map(({ p50Us }) => p50Us) },
          { label: "p99", x, y: points.map(({ p99Us }) => p99Us) },
          { label: "max", x, y: points.map(({ maxUs }) => maxUs) },
        ],
        bands,
      };
    })
    .toSorted((left, right) => rank(left.title) - rank(right.title));
}

/** Where a distribution stands among others: what a reader asks for first comes first. */
export function rank(title: string): number {
  const first = ["load.response", CLEAR, "operations.vmresume"];
  return first.includes(title) ? first.indexOf(title) : first.length;
}

function distributionTable(distributions: readonly Distribution[]): Markup {
  const rows = distributions.map((each) => [
    each.name,
    each.histogram.totalCount,
    ...[50, 90, 99, 99.9, 100].map((percentile) => us(percentileUs(each, percentile))),
  ]);
  return table(["µs", "count", "p50", "p90", "p99", "p99.9", "max"], rows);
}

function faultTable({ faults, durationMs }: ReadLatencies): Content {
  if (faults.length === 0) return "";
  const rows = faults.map(({ name, action, cpu, fromMs, toMs }) => [
    name,
    action,
    cpu ?? "–",
    fromMs.toFixed(1),
    toMs === undefined ? `end (${durationMs.toFixed(0)})` : toMs.toFixed(1),
  ]);
  return folded("Faults", table(["fault", "action", "CPU", "from ms", "to ms"], rows));
}

/** Phases and pairs of the cross-CPU clears. */
function clearParts({ crossCpuClear }: ReadResult): Content {
  if (crossCpuClear === undefined) return html`<p>There were no cross-CPU clears.</p>`;
  const { phases, pairs } = crossCpuClear;
  return [phases === undefined ? "" : phaseParts(phases), pairs.length === 0 ? "" : pairParts(pairs)];
}

function phaseParts(phases: NonNullable<NonNullable<ReadResult["crossCpuClear"]>["phases"]>): Markup {
  const known = CLEAR_PHASES.filter((phase) => phases[phase] !== undefined);
  const mean = (phase: string) => phases[phase]?.meanUs ?? 0;
  const whole = known.reduce((sum, phase) => sum + mean(phase), 0);
  const rows = known.map((phase) => [
    phase,
    phases[phase]?.count ?? 0,
    us(mean(phase)),
    share(mean(phase), whole),
    us(phases[phase]?.latencyUs.p50),
    us(phases[phase]?.latencyUs.p99),
    us(phases[phase]?.latencyUs.max),
  ]);
  const meansUs = Object.fromEntries(known.map((phase) => [phase, mean(phase)]));
  return html`<h3>Where a cross-CPU clear spends its time</h3><p>Means: they add up to the mean of the whole, ${us(whole)} µs.</p>${phaseBars([{ label: "mean clear", meansUs }], { relative: false })}${table(["phase", "count", "mean µs", "share", "p50 µs", "p99 µs", "max µs"], rows)}`;
}

export function pairParts(pairs: readonly ReadPair[]): Markup {
  const at = (percentile: "p50" | "p99") =>
    pairs.map(({ from, to, count, latencyUs }) => ({ from, to, count, valueUs: latencyUs[percentile] }));
  const isCut = pairs.length > PAIRS_LISTED_MAX;
  const slowest = pairs.toSorted((left, right) => right.latencyUs.p99 - left.latencyUs.p99);
  const rows = (isCut ? slowest.slice(0, PAIRS_LISTED_MAX) : pairs).map(({ from, to, count, latencyUs }) => [
    `${from} → ${to}`,
    count,
    us(latencyUs.p50),
    us(latencyUs.p99),
    us(latencyUs.max),
  ]);
  const title = isCut ? `Numbers of the ${PAIRS_LISTED_MAX} slowest by p99, of ${pairs.length} pairs` : "Numbers";
  return html`<h3>By pair of CPUs</h3><div class="pair">${heatMap("p50", at("p50"))}${heatMap("p99", at("p99"))}</div>${folded(title, table(["caller → VMCS", "clears", "p50 µs", "p99 µs", "max µs"], rows))}`;
}

export function verdictMark(verdict: ReadResult["verdict"]): Markup {
  return html`<span class="verdict ${verdict}">${verdict}</span>`;
}

function factsOf({ host, mode, startedAt, durationMs, machine, simulation }: ReadResult): string {
  const facts = Object.entries(host).map(
    ([name, value]) => `${name} ${typeof value === "object" ? JSON.stringify(value) : value}`,
  );
  const on =
    machine === undefined
      ? []
      : [
          Object.entries(machine)
            .map(([name, value]) => `${name} ${value}`)
            .join(", "),
        ];
  const virtual =
    simulation === undefined
      ? []
      : [`all times are virtual: cost model ${simulation.costModel}, ${simulation.ghz} GHz`];
  return [`${mode}, ${startedAt}, ${durationText(durationMs)}`, facts.join(", "), ...virtual, ...on].join(" · ");
}

function problemsOf({ violations, violationCount, gaps, thresholds }: ReadResult): Content {
  const lines = [
    ...violations.map(({ check, message }) => `${check}: ${message}`),
    ...(violationCount > violations.length ? [`and ${violationCount - violations.length} more violations`] : []),
    ...gaps.map((gap) => `missing evidence: ${gap}`),
    ...thresholds
      .filter(({ met }) => !met)
      .map(({ metric, expression, value }) => `threshold not met: ${metric} ${expression} (${value ?? "no value"})`),
  ];
  return lines.length === 0 ? "" : html`<ul class="problems">${lines.map((line) => html`<li>${line}</li>`)}</ul>`;
}
