/** The phases of cross-CPU clears as stacked bars. Means add up to the mean of the whole; medians do not, so they are in the table alone. */
import { CLEAR_PHASES } from "@vmcslab/history";
import { html, type Markup } from "./html.js";
import { share, us } from "./tables.js";

export interface PhaseBar {
  readonly label: string;
  /** By phase, microseconds. */
  readonly meansUs: Readonly<Record<string, number>>;
}

const WIDTH = 1_100;
const LABEL_WIDTH = 300;
const VALUE_WIDTH = 90;
const BAR_HEIGHT = 26;
const ROW_HEIGHT = 36;
/** Characters of a segment's name and share that fit into so many units. */
const CHARACTER_WIDTH = 8;
const LABEL_CHARACTER_WIDTH = 8;

/** `relative`: every bar is as long, and shows shares. Else all have one scale. */
export function phaseBars(
  bars: readonly PhaseBar[],
  { relative, unit = "µs" }: { readonly relative: boolean; readonly unit?: "µs" | "%" },
): Markup {
  const wholes = bars.map(({ meansUs }) => CLEAR_PHASES.reduce((sum, phase) => sum + (meansUs[phase] ?? 0), 0));
  const longest = Math.max(...wholes);
  const room = WIDTH - LABEL_WIDTH - VALUE_WIDTH;
  const rows = bars.map((bar, index) => {
    const whole = wholes[index] ?? 0;
    const scale = whole === 0 ? 0 : room / (relative ? whole : longest);
    let x = LABEL_WIDTH;
    const segments = CLEAR_PHASES.map((phase) => {
      const mean = bar.meansUs[phase] ?? 0;
      const width = mean * scale;
      const text = width > CHARACTER_WIDTH * (phase.length + 1) ? phase : "";
      const segment = html`<g><rect x="${x.toFixed(1)}" y="${index * ROW_HEIGHT}" width="${Math.max(width, 0).toFixed(1)}" height="${BAR_HEIGHT}" class="phase-${phase}"/><text x="${(x + width / 2).toFixed(1)}" y="${index * ROW_HEIGHT + 18}" class="in-bar">${text}</text><title>${bar.label}: ${phase} ${us(mean)} ${unit}, ${share(mean, whole)}</title></g>`;
      x += width;
      return segment;
    });
    return html`<text x="${LABEL_WIDTH - 10}" y="${index * ROW_HEIGHT + 18}" class="bar-label">${cut(bar.label)}</text>${segments}<text x="${(x + 8).toFixed(1)}" y="${index * ROW_HEIGHT + 18}" class="bar-value">${unit === "%" ? "" : `${us(whole)} µs`}</text>`;
  });
  const legend = CLEAR_PHASES.map((phase) => html`<span><i class="swatch phase-${phase}"></i>${phase}</span>`);
  return html`<p class="legend">${legend}</p><svg class="bars" viewBox="0 0 ${WIDTH} ${bars.length * ROW_HEIGHT}" role="img" aria-label="mean duration of each phase of a cross-CPU clear">${rows}</svg>`;
}

function cut(label: string): string {
  const fits = Math.floor(LABEL_WIDTH / LABEL_CHARACTER_WIDTH);
  return label.length <= fits ? label : `…${label.slice(label.length - fits + 1)}`;
}
