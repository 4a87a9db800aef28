/** A preview of delays for people: in 80 columns. */
import { type DelayPreview, type DelaySummary, type PreviewDocument, QUANTILE_NAMES } from "./delay-preview.js";
import type { Bin } from "./histogram.js";

const COLUMNS = 80;
const BAR_COLUMNS = 44;
const NUMBER_COLUMNS = 11;
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

const UNITS: readonly (readonly [ns: number, name: string])[] = [
  [1, "ns"],
  [1e3, "us"],
  [1e6, "ms"],
  [1e9, "s"],
];

export function formatPreview({ delays, seed, samples }: PreviewDocument): string {
  return `${delays.map((delay) => formatDelay(delay, seed, samples)).join("\n\n")}\n`;
}

function formatDelay({ name, exact, sampled, histogram, notes }: DelayPreview, seed: number, samples: number): string {
  const most = Math.max(...histogram.map(({ count }) => count));
  return [
    name,
    row(`${samples} drawn`, ["p1", "p50", "p90", "p99", "p99.9", "mean"]),
    row("exact", cells(exact)),
    row(`seed ${seed}`, cells(sampled)),
    "",
    ...histogram.map((bin) => binLine(bin, most)),
    ...notes.flatMap((note) => ["", ...wrapped(`note: ${note}`)]),
  ].join("\n");
}

function cells(summary: DelaySummary): string[] {
  const quantiles = QUANTILE_NAMES.map((name) => formatNs(summary[name]));
  return [...quantiles, summary.mean === null ? "no mean" : formatNs(summary.mean)];
}

function row(title: string, values: readonly string[]): string {
  return `${title.padEnd(NUMBER_COLUMNS + 3)}${values.map((value) => value.padStart(NUMBER_COLUMNS)).join("")}`;
}

function binLine({ from, to, count }: Bin, most: number): string {
  const range = `${formatNs(from).padStart(8)} – ${formatNs(to).padEnd(8)}`;
  return `${range} ${bar(count / most).padEnd(BAR_COLUMNS)} ${count}`.trimEnd();
}

/** Whatever is not nothing shows. */
function bar(share: number): string {
  const eighths = share === 0 ? 0 : Math.max(1, Math.round(share * BAR_COLUMNS * 8));
  return "█".repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? "");
}

/** Three significant digits: `820ns`, `1.5ms`, `12.3s`. */
export function formatNs(ns: number): string {
  const rounded = Number(ns.toPrecision(3));
  const [unit, name] = UNITS.findLast(([size]) => rounded >= size) ?? [1, "ns"];
  const amount = Number((rounded / unit).toPrecision(3));
  return `${amount < 1e5 ? amount : amount.toExponential(1)}${name}`;
}

function wrapped(text: string): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1) ?? "";
    if (line.length + 1 + word.length > COLUMNS) lines.push(`  ${word}`);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines;
}
