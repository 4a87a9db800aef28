/** What a delay comes to: exactly, by its distribution, and as drawn. */
import { type Distribution, mean, quantile, RandomStream, sampler } from "@vmcslab/faults";
import type { DelayFault } from "@vmcslab/lab/experiment";
import { type Bin, histogramOf } from "./histogram.js";

export const SAMPLES_MAX = 10_000_000;

const SHARES = { p1: 0.01, p50: 0.5, p90: 0.9, p99: 0.99, p999: 0.999 } as const;
export type QuantileName = keyof typeof SHARES;
export const QUANTILE_NAMES: readonly QuantileName[] = ["p1", "p50", "p90", "p99", "p999"];

/** Below it a live timer is too coarse. */
const LIVE_DELAY_MIN_NS = 2_000_000;

/** Nanoseconds. `mean` is null where the distribution has none. JSON has null for a time too long for a number. */
export type DelaySummary = Readonly<Record<QuantileName, number>> & { readonly mean: number | null };

export interface DelayPreview {
  readonly name: string;
  readonly distribution: Distribution;
  readonly exact: DelaySummary;
  readonly sampled: DelaySummary;
  readonly histogram: readonly Bin[];
  readonly notes: readonly string[];
}

export interface PreviewDocument {
  readonly schema: "vmcslab.faults-preview/v1";
  readonly seed: number;
  readonly samples: number;
  readonly delays: readonly DelayPreview[];
}

/** Draws `samples` delays from a stream of its own, called after the delay. */
export function previewDelay({ name, delay }: DelayFault, seed: number, samples: number): DelayPreview {
  const random = new RandomStream(`${seed}`).fork(name);
  const draw = sampler(delay);
  const drawn = Float64Array.from({ length: samples }, () => draw(random)).sort();
  return {
    name,
    distribution: delay,
    exact: summary((p) => quantile(delay, p), mean(delay) ?? null),
    sampled: summary((p) => drawn[Math.min(Math.floor(p * samples), samples - 1)] ?? 0, sum(drawn) / samples),
    histogram: histogramOf(drawn),
    notes: notesOn(delay, drawn),
  };
}

function summary(of: (p: number) => number, meanNs: number | null): DelaySummary {
  return {
    p1: of(SHARES.p1),
    p50: of(SHARES.p50),
    p90: of(SHARES.p90),
    p99: of(SHARES.p99),
    p999: of(SHARES.p999),
    mean: meanNs,
  };
}

function notesOn(delay: Distribution, drawn: Float64Array): string[] {
  const notes: string[] = [];
  if (mean(delay) === undefined)
    notes.push("there is no mean: the longer the run, the longer its longest delays; the sampled mean says nothing");
  if (quantile(delay, SHARES.p1) < LIVE_DELAY_MIN_NS) {
    const short = drawn.filter((ns) => ns < LIVE_DELAY_MIN_NS).length / drawn.length;
    notes.push(
      `${Math.round(short * 100)}% are under 2 ms: live timers fire no finer than about a millisecond, so such delays belong in the simulator`,
    );
  }
  return notes;
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}
