/** Latency by pair of CPUs, as a map of colours with numbers in it. */
import { html, type Markup } from "./html.js";
import { us } from "./tables.js";

export interface HeatPair {
  readonly from: number;
  readonly to: number;
  readonly count: number;
  readonly valueUs: number;
}

/** Of the map cividis: evenly lighter, and the same to every kind of colour vision. */
const COLOURS = [
  "#00224e",
  "#123570",
  "#3b496c",
  "#575d6d",
  "#707173",
  "#8a8678",
  "#a59c74",
  "#c3b369",
  "#e1cc55",
  "#fee838",
];
/** From here on, text on a colour is dark. */
const LIGHT_FROM = 6;
const CELL = 44;
const MARGIN = 44;
/** More columns leave no room for numbers. */
const NUMBERED_MAX = 12;

export function heatMap(title: string, pairs: readonly HeatPair[]): Markup {
  const cpus = [...new Set(pairs.flatMap(({ from, to }) => [from, to]))].toSorted((left, right) => left - right);
  const values = pairs.map(({ valueUs }) => valueUs);
  const [least, greatest] = [Math.min(...values), Math.max(...values)];
  const size = MARGIN + cpus.length * CELL;
  const cells: Cell[] = pairs.map((pair) => ({
    pair,
    x: MARGIN + cpus.indexOf(pair.to) * CELL,
    y: MARGIN + cpus.indexOf(pair.from) * CELL,
    level: levelOf(pair.valueUs, least, greatest),
  }));
  const heads = cpus.map((cpu, index) => {
    const middle = MARGIN + index * CELL + CELL / 2;
    return html`<text x="${middle}" y="${MARGIN - 8}">${cpu}</text><text x="${MARGIN - 14}" y="${middle + 4}">${cpu}</text>`;
  });
  return html`<figure><figcaption>${title}: ${us(least)} to ${us(greatest)} µs</figcaption><svg class="heat" viewBox="0 0 ${size} ${size}" style="max-width:${size}px" role="img" aria-label="${title} by pair of CPUs"><text x="${MARGIN + (size - MARGIN) / 2}" y="14" class="axis">VMCS on CPU</text><text x="12" y="${MARGIN + (size - MARGIN) / 2}" class="axis" transform="rotate(-90 12 ${MARGIN + (size - MARGIN) / 2})">caller on CPU</text>${heads}${cpus.length > NUMBERED_MAX ? plainCells(cells) : cells.map(numberedCell)}</svg></figure>`;
}

interface Cell {
  readonly pair: HeatPair;
  readonly x: number;
  readonly y: number;
  readonly level: number;
}

function numberedCell({ pair: { from, to, count, valueUs }, x, y, level }: Cell): Markup {
  const ink = level >= LIGHT_FROM ? "on-light" : "on-dark";
  return html`<g><rect x="${x}" y="${y}" width="${CELL - 1}" height="${CELL - 1}" fill="${COLOURS[level] ?? ""}"/><text x="${x + CELL / 2}" y="${y + CELL / 2 + 4}" class="${ink}">${brief(valueUs)}</text><title>caller on CPU ${from}, VMCS on CPU ${to}: ${us(valueUs)} µs, ${count} clears</title></g>`;
}

/** Thousands of cells: one path for each colour. */
function plainCells(cells: readonly Cell[]): Markup[] {
  return COLOURS.map((colour, level) => {
    const path = cells
      .filter((cell) => cell.level === level)
      .map(({ x, y }) => `M${x} ${y}h${CELL - 1}v${CELL - 1}h${1 - CELL}z`);
    return html`<path fill="${colour}" d="${path.join("")}"/>`;
  });
}

/** By the logarithm: one slow pair does not make all others look alike. */
function levelOf(value: number, least: number, greatest: number): number {
  if (greatest === least || least <= 0) return COLOURS.length - 1;
  return Math.round((Math.log(value / least) / Math.log(greatest / least)) * (COLOURS.length - 1));
}

/** Four characters at most. */
function brief(value: number): string {
  if (value >= 9_950) return `${(value / 1_000).toFixed(0)}k`;
  if (value >= 1_000) return `${(value / 1_000).toFixed(1)}k`;
  return value >= 10 ? value.toFixed(0) : value.toFixed(value >= 1 ? 1 : 2);
}
