/** Plots that the page's script draws, as data. `packages/web/src/report.ts` reads this form. */
import { html, type Markup } from "./html.js";

export interface PlotSeries {
  readonly label: string;
  readonly x: readonly number[];
  readonly y: readonly (number | null)[];
  /** Ends of intervals, drawn as bars. */
  readonly low?: readonly (number | null)[];
  readonly high?: readonly (number | null)[];
}

export interface Plot {
  readonly title: string;
  /** `percentile`: x is 1 / (1 - p). `category`: x counts the names. */
  readonly x: {
    readonly label: string;
    readonly kind: "linear" | "percentile" | "category";
    readonly names?: readonly string[];
  };
  readonly y: { readonly label: string; readonly log: boolean };
  readonly series: readonly PlotSeries[];
  /** Times that are marked, with what they mean. */
  readonly bands?: readonly { readonly from: number; readonly to: number; readonly label: string }[];
}

/** What the page's script is given. */
export interface PageData {
  /** By the name that an element's `data-plot` has; several: one is chosen. */
  readonly plots: Record<string, readonly Plot[]>;
  readonly sweeps: Record<string, unknown>;
}

/** Plots that share a place; a reader chooses one by its title. `name`: once in a page. */
export function plotPlace(data: PageData, name: string, plots: readonly Plot[]): Markup {
  data.plots[name] = plots;
  return html`<div class="plot" data-plot="${name}" role="img" aria-label="${plots.map(({ title }) => title).join("; ")}"></div>`;
}

/** Seven digits are more than any of these numbers is worth. */
export function short(value: number): number {
  return Number(value.toPrecision(6));
}
