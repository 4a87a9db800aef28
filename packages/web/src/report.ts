/**
 * The script of report.html: draws the plots, and what of a sweep a reader chooses. It is put into the page as it is compiled, so it imports nothing but types; uPlot stands in the page before it.
 * `packages/lab/src/report/page/plots.ts` and `sweep.ts` beside it say what it is given.
 */
import type UPlot from "uplot";

declare const uPlot: typeof UPlot;

interface Series {
  readonly label: string;
  readonly x: readonly number[];
  readonly y: readonly (number | null)[];
  readonly low?: readonly (number | null)[];
  readonly high?: readonly (number | null)[];
}

interface Plot {
  readonly title: string;
  readonly x: {
    readonly label: string;
    readonly kind: "linear" | "percentile" | "category";
    readonly names?: readonly string[];
  };
  readonly y: { readonly label: string; readonly log: boolean };
  readonly series: readonly Series[];
  readonly bands?: readonly { readonly from: number; readonly to: number; readonly label: string }[];
}

interface Sweep {
  readonly axes: readonly { readonly title: string; readonly values: readonly string[] }[];
  readonly metrics: readonly string[];
  readonly cells: readonly { readonly at: readonly number[]; readonly of: readonly (readonly number[] | null)[] }[];
}

interface PageData {
  readonly plots: Readonly<Record<string, readonly Plot[]>>;
  readonly sweeps: Readonly<Record<string, Sweep>>;
}

/** Okabe and Ito's colours, which every kind of colour vision tells apart; dashes tell them apart without any. */
const COLOURS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8c8c8c"];
const DASHES = [[], [10, 4], [3, 3], [12, 4, 3, 4], [18, 5], [6, 2]];
const HEIGHT = 380;
const PERCENTILE_TICKS = [1, 2, 4, 10, 20, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8];
/** Names longer than this in all do not fit below a plot side by side. */
const NAMES_WIDTH_MAX = 110;
/** More names stand upright, as long as they are. */
const UPRIGHT_FROM = 12;

const redraws: (() => void)[] = [];

function start(): void {
  const data: PageData = JSON.parse(document.getElementById("data")?.textContent ?? "");
  for (const place of document.querySelectorAll<HTMLElement>("[data-plot]"))
    showPlots(place, data.plots[place.dataset.plot ?? ""] ?? []);
  for (const place of document.querySelectorAll<HTMLElement>("[data-sweep]")) {
    const sweep = data.sweeps[place.dataset.sweep ?? ""];
    if (sweep !== undefined) showSweep(place, sweep);
  }
  followTheme();
  // Not more often than the browser shows anything.
  let frame = 0;
  addEventListener("resize", () => {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(redrawAll);
  });
}

function redrawAll(): void {
  for (const redraw of redraws) redraw();
}

/** The button goes from the system's theme to light to dark. */
function followTheme(): void {
  const button = document.getElementById("theme");
  const themes = ["as the system", "light", "dark"];
  let chosen = 0;
  button?.addEventListener("click", () => {
    chosen = (chosen + 1) % themes.length;
    const theme = themes[chosen] ?? "";
    button.textContent = `theme: ${theme}`;
    if (chosen === 0) delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    redrawAll();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawAll);
}

/** One of several plots, and whether its scale is logarithmic. */
function showPlots(place: HTMLElement, plots: readonly Plot[]): void {
  const controls = child(place, "p", "controls");
  const canvas = child(place, "div", "canvas");
  const choose =
    plots.length < 2
      ? undefined
      : select(
          controls,
          "show",
          plots.map(({ title }) => title),
        );
  const log = checkbox(controls, "logarithmic", plots[0]?.y.log ?? false);
  const draw = () => {
    const plot = plots[choose?.selectedIndex ?? 0];
    if (plot !== undefined) drawPlot(canvas, { ...plot, y: { ...plot.y, log: log.checked } });
  };
  choose?.addEventListener("change", draw);
  log.addEventListener("change", draw);
  redraws.push(draw);
  draw();
}

/** A number against one axis, a line for each value of a second, the others held. */
function showSweep(place: HTMLElement, sweep: Sweep): void {
  const controls = child(place, "p", "controls");
  const held = child(place, "p", "controls");
  const canvas = child(place, "div", "canvas");
  const titles = sweep.axes.map(({ title }) => title);
  const metric = select(controls, "number", sweep.metrics);
  const along = select(controls, "against", titles);
  const lines = select(controls, "a line for each", ["–", ...titles]);
  const log = checkbox(controls, "logarithmic", false);
  const first = longestScale(sweep);
  along.selectedIndex = first;
  lines.selectedIndex = titles.findIndex((title, index) => index !== first && title !== "way") + 1;
  const holding = sweep.axes.map(({ title, values }) => select(held, title, values));
  // The ends of an axis are where least happens; of two values the first is the usual one.
  for (const [axis, { values }] of sweep.axes.entries()) {
    const holds = holding[axis];
    if (holds !== undefined) holds.selectedIndex = Math.floor((values.length - 1) / 2);
  }
  const draw = () => {
    const [x, line] = [along.selectedIndex, lines.selectedIndex - 1];
    for (const [axis, { parentElement }] of holding.entries())
      if (parentElement !== null) parentElement.hidden = axis === x || axis === line;
    const fixed = holding.map(({ selectedIndex }, axis) => (axis === x || axis === line ? undefined : selectedIndex));
    const names = sweep.axes[x]?.values ?? [];
    const lineNames = line < 0 || line === x ? [""] : (sweep.axes[line]?.values ?? []);
    const series = lineNames.map((label, value) => {
      const at = names.map((_, position) =>
        sweep.cells.find((cell) =>
          cell.at.every((index, axis) => {
            if (axis === x) return index === position;
            return axis === line ? index === value : index === fixed[axis];
          }),
        ),
      );
      const of = (which: number) => at.map((cell) => cell?.of[metric.selectedIndex]?.[which] ?? null);
      const name = label === "" ? metric.value : `${titles[line] ?? ""} ${label}`;
      return { label: name, x: names.map((_, position) => position), y: of(0), low: of(1), high: of(2) };
    });
    drawPlot(canvas, {
      title: metric.value,
      x: { label: titles[x] ?? "", kind: "category", names },
      y: { label: metric.value, log: log.checked },
      series,
    });
  };
  for (const control of [metric, along, lines, log, ...holding]) control.addEventListener("change", draw);
  redraws.push(draw);
  draw();
}

/** The axis of most numbers, which a curve goes along best; the first where none has three. */
function longestScale({ axes }: Sweep): number {
  const lengths = axes.map(({ values }) => (values.every((value) => !Number.isNaN(Number(value))) ? values.length : 0));
  const longest = Math.max(...lengths);
  return longest < 3 ? 0 : lengths.indexOf(longest);
}

function drawPlot(place: HTMLElement, plot: Plot): void {
  place.replaceChildren();
  const { x, y, series } = plot;
  const xs = [...new Set(series.flatMap((one) => one.x))].sort((left, right) => left - right);
  const aligned = series.map((one) => {
    const known = new Map(one.x.map((at, index) => [at, one.y[index] ?? null]));
    return xs.map((at) => positive(known.get(at) ?? null, y.log));
  });
  const style = getComputedStyle(document.documentElement);
  const ink = style.getPropertyValue("--ink");
  const grid = { stroke: style.getPropertyValue("--grid"), width: 1 };
  const font = "13px system-ui, sans-serif";
  const width = Math.max(320, place.clientWidth);
  const names = x.names ?? [];
  const isCrowded = names.reduce((sum, name) => sum + name.length + 3, 0) > NAMES_WIDTH_MAX * (width / 1_000);
  const depth = names.length > UPRIGHT_FROM ? 24 + 8 * Math.max(...names.map(({ length }) => length)) : 110;
  const xSplits =
    x.kind === "percentile" ? PERCENTILE_TICKS : x.kind === "category" ? names.map((_, i) => i) : undefined;
  const xText = (at: number): string => {
    if (x.kind === "percentile") return percentileText(at);
    return x.kind === "category" ? (names[at] ?? "") : text(at);
  };
  const options: UPlot.Options = {
    ...{ width, height: HEIGHT + (isCrowded ? depth - 50 : 0), padding: [12, 36, 0, 8] },
    scales: {
      x: { time: false, distr: x.kind === "percentile" ? 3 : 1, ...xRange(plot, xs) },
      y: { distr: y.log ? 3 : 1, range: yRange(plot) },
    },
    axes: [
      {
        ...{ stroke: ink, grid, ticks: grid, font, label: x.label, labelFont: font, labelSize: 24 },
        ...(xSplits === undefined ? {} : { splits: () => xSplits, filter: (_: UPlot, splits: number[]) => splits }),
        values: (_, splits) => splits.map(xText),
        ...(isCrowded ? { rotate: names.length > UPRIGHT_FROM ? -90 : -30, size: depth } : {}),
      },
      {
        ...{ stroke: ink, grid, ticks: grid, font, label: y.label, labelFont: font, labelSize: 24, size: 70 },
        values: (_, splits) => splits.map((at) => (at === null ? "" : text(at))),
      },
    ],
    series: [
      { label: x.label, value: (_, at) => (at === null ? "–" : xText(at)) },
      ...series.map(({ label }, index) => ({
        label,
        stroke: COLOURS[index % COLOURS.length] ?? ink,
        width: 2,
        dash: DASHES[Math.floor(index / COLOURS.length + index) % DASHES.length] ?? [],
        points: { show: x.kind === "category", size: 7 },
        spanGaps: x.kind !== "category",
        value: (_: UPlot, at: number | null) => (at === null ? "–" : text(at)),
      })),
    ],
    hooks: {
      drawClear: [(drawn) => drawBands(drawn, plot, style)],
      draw: [(drawn) => drawIntervals(drawn, plot)],
    },
  };
  new uPlot(options, [xs, ...aligned], place);
}

function xRange({ x, bands = [] }: Plot, xs: readonly number[]): Pick<UPlot.Scale, "range"> {
  if (x.kind === "category") return { range: () => [-0.4, (x.names?.length ?? 1) - 0.6] };
  if (x.kind === "percentile") return { range: (_, least, greatest) => [Math.max(1, least), Math.max(2, greatest)] };
  // A fault that nothing ended in is shown all the same.
  const last = Math.max(xs.at(-1) ?? 1, ...bands.map(({ to }) => to));
  const whole = [Math.min(0, xs[0] ?? 0), last];
  return {
    range: (_, least, greatest) =>
      least === xs[0] && greatest === xs.at(-1) ? [whole[0] ?? 0, whole[1] ?? 1] : [least, greatest],
  };
}

/** Room for the ends of intervals; from 0 where a scale is not logarithmic, so that nothing looks larger than it is. */
function yRange({ y, series }: Plot): UPlot.Scale.Range {
  const ends = series.flatMap(({ low = [], high = [] }) => [...low, ...high]).filter((end) => end !== null);
  return (_, least, greatest) => {
    const top = Math.max(greatest ?? 1, ...ends);
    if (!y.log) return [Math.min(0, least ?? 0, ...ends), top === 0 ? 1 : top * 1.06];
    const bottom = Math.min(least ?? 1, ...ends.filter((end) => end > 0));
    // Ticks are multiples of where the scale begins.
    return [niceBelow(bottom), top * 1.2];
  };
}

/** 1, 2 or 5 times a power of 10. */
function niceBelow(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const steps = [5, 2, 1].map((step) => step * power);
  return steps.find((step) => step <= value) ?? power;
}

function drawBands(plot: UPlot, { bands = [] }: Plot, style: CSSStyleDeclaration): void {
  const { ctx, bbox } = plot;
  ctx.save();
  for (const [index, { from, to, label }] of bands.entries()) {
    const left = Math.max(plot.valToPos(from, "x", true), bbox.left);
    const right = Math.min(plot.valToPos(to, "x", true), bbox.left + bbox.width);
    if (right < bbox.left || left > bbox.left + bbox.width) continue;
    ctx.fillStyle = style.getPropertyValue("--band");
    ctx.fillRect(left, bbox.top, Math.max(right - left, 2), bbox.height);
    ctx.fillStyle = style.getPropertyValue("--ink");
    ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
    ctx.fillText(label, left + 4, bbox.top + (14 + 14 * (index % 4)) * devicePixelRatio);
  }
  ctx.restore();
}

function drawIntervals(plot: UPlot, { series, y }: Plot): void {
  const { ctx } = plot;
  ctx.save();
  ctx.lineWidth = 1.5 * devicePixelRatio;
  for (const [index, { x, low = [], high = [] }] of series.entries()) {
    if (plot.series[index + 1]?.show === false) continue;
    ctx.strokeStyle = COLOURS[index % COLOURS.length] ?? "";
    for (const [position, at] of x.entries()) {
      const [bottom, top] = [positive(low[position] ?? null, y.log), positive(high[position] ?? null, y.log)];
      if (bottom === null || top === null) continue;
      // Beside each other, so that none hides another.
      const aside = (index - (series.length - 1) / 2) * 3 * devicePixelRatio;
      const across = plot.valToPos(at, "x", true) + aside;
      const [from, to] = [plot.valToPos(bottom, "y", true), plot.valToPos(top, "y", true)];
      const cap = 5 * devicePixelRatio;
      ctx.beginPath();
      ctx.moveTo(across, from);
      ctx.lineTo(across, to);
      for (const end of [from, to]) {
        ctx.moveTo(across - cap, end);
        ctx.lineTo(across + cap, end);
      }
      ctx.stroke();
    }
  }
  ctx.restore();
}

/** What a logarithmic scale cannot show is left out. */
function positive(value: number | null, isLog: boolean): number | null {
  return value !== null && isLog && value <= 0 ? null : value;
}

function percentileText(x: number): string {
  const percent = 100 - 100 / x;
  const digits = Math.max(0, Math.ceil(Math.log10(x)) - 2);
  return `${percent.toFixed(digits)} %`;
}

function text(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e6) return `${Number((value / 1e6).toPrecision(3))} M`;
  if (size >= 1e4) return `${Number((value / 1e3).toPrecision(3))} k`;
  return `${Number(value.toPrecision(4))}`;
}

function child<K extends keyof HTMLElementTagNameMap>(
  parent: HTMLElement,
  tag: K,
  name: string,
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  made.className = name;
  parent.append(made);
  return made;
}

function select(parent: HTMLElement, title: string, choices: readonly string[]): HTMLSelectElement {
  const label = child(parent, "label", "");
  label.append(`${title} `);
  const made = child(label, "select", "");
  for (const choice of choices) made.append(new Option(choice));
  return made;
}

function checkbox(parent: HTMLElement, title: string, checked: boolean): HTMLInputElement {
  const label = child(parent, "label", "");
  const made = child(label, "input", "");
  made.type = "checkbox";
  made.checked = checked;
  label.append(` ${title}`);
  return made;
}

start();
