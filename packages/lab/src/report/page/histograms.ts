/** Histograms of latencies.json, one run's or those of several together. */
import { decodeFromCompressedBase64, type Histogram } from "hdr-histogram-js";
import { UsageError } from "../../errors.js";
import type { ReadLatencies } from "../read/schemas.js";
import { type PlotSeries, short } from "./plots.js";

/** Points of a percentile curve between one halving of what is left of 100 % and the next. */
const POINTS_PER_HALVING = 4;

export interface Distribution {
  readonly name: string;
  readonly unitNs: number;
  readonly histogram: Histogram;
}

/** Every name that one of the runs has, with all their values. Throws UsageError for a histogram that is damaged. */
export function distributionsOf(runs: readonly ReadLatencies[], isMeant: (name: string) => boolean): Distribution[] {
  const names = new Set(runs.flatMap(({ histograms }) => Object.keys(histograms).filter(isMeant)));
  return [...names].flatMap((name) => {
    const having = runs.filter(({ histograms }) => histograms[name] !== undefined);
    const [first, ...others] = having.map(({ histograms }) => decode(name, histograms[name] ?? ""));
    // Runs of one cell were all measured in one unit.
    const unitNs = having[0]?.unitNs;
    if (first === undefined || unitNs === undefined || first.totalCount === 0) return [];
    // As decoded, it is as long as its own greatest value needs.
    first.autoResize = true;
    for (const other of others) first.add(other);
    return [{ name, unitNs, histogram: first }];
  });
}

/** From 0 % up to where the greatest value alone is left; x is 1 / (1 - p), y microseconds. */
export function percentileCurve({ histogram, unitNs }: Distribution, label: string): PlotSeries {
  const count = histogram.totalCount;
  const x: number[] = [];
  for (let step = 0; 2 ** (step / POINTS_PER_HALVING) < count; step++) x.push(2 ** (step / POINTS_PER_HALVING));
  x.push(count);
  return { label, x: x.map(short), y: x.map((at) => short(valueAt(histogram, 1 - 1 / at) * (unitNs / 1_000))) };
}

/** Microseconds. */
export function percentileUs({ histogram, unitNs }: Distribution, percentile: number): number {
  return valueAt(histogram, percentile / 100) * (unitNs / 1_000);
}

function valueAt(histogram: Histogram, part: number): number {
  return Math.min(histogram.getValueAtPercentile(100 * part), histogram.maxValue);
}

function decode(name: string, text: string): Histogram {
  try {
    return decodeFromCompressedBase64(text);
  } catch {
    throw new UsageError(`latencies.json: the histogram ${name} is damaged`);
  }
}
