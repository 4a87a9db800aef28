/** Quantiles, means and samples of delays. A sample is the quantile of a random share, so what is printed is what is drawn. */
import type { RandomStream } from "../random/random-stream.js";
import type { Distribution } from "./distribution.js";
import { exp, ln } from "./elementary.js";
import { normalQuantile } from "./normal.js";

/** The standard normal deviate of 0.99. */
const Z_99 = 2.3263478740408408;

/**
 * The delay, in nanoseconds, that a share `p` of all do not exceed. `p` is from 0 to 1; at 1 it is Infinity where delays have no bound.
 * Exact up to rounding: by the inverse of the distribution function.
 */
export function quantile(distribution: Distribution, p: number): number {
  return quantileFunction(distribution)(p);
}

/** The mean, in nanoseconds; undefined where there is none. */
export function mean(distribution: Distribution): number | undefined {
  if ("constant" in distribution) return distribution.constant;
  if ("uniform" in distribution) return (distribution.uniform.min + distribution.uniform.max) / 2;
  if ("exponential" in distribution) return distribution.exponential.mean;
  if ("logNormal" in distribution) {
    const sigma = sigmaOf(distribution.logNormal);
    return distribution.logNormal.p50 * exp((sigma * sigma) / 2);
  }
  if ("pareto" in distribution) {
    const { scale, shape } = distribution.pareto;
    return shape > 1 ? (scale * shape) / (shape - 1) : undefined;
  }
  return meanBetween(distribution.empirical);
}

/**
 * Draws delays in whole nanoseconds, each with one `unit` of the stream. A delay too long for an exact number (104 days) is
 * Number.MAX_SAFE_INTEGER; nothing else is cut off.
 */
export function sampler(distribution: Distribution): (random: RandomStream) => number {
  const of = quantileFunction(distribution);
  return (random) => Math.min(Math.round(of(random.unit())), Number.MAX_SAFE_INTEGER);
}

function quantileFunction(distribution: Distribution): (p: number) => number {
  if ("constant" in distribution) {
    const { constant } = distribution;
    return () => constant;
  }
  if ("uniform" in distribution) {
    const { min, max } = distribution.uniform;
    return (p) => min + p * (max - min);
  }
  if ("exponential" in distribution) {
    const { mean } = distribution.exponential;
    // A mean of 0 has no tail: 0 * Infinity would be NaN.
    return (p) => (mean === 0 ? 0 : mean * negativeLn(1 - p));
  }
  if ("logNormal" in distribution) {
    const { p50 } = distribution.logNormal;
    const sigma = sigmaOf(distribution.logNormal);
    return (p) => (sigma === 0 ? p50 : p50 * exp(sigma * normalQuantile(p)));
  }
  if ("pareto" in distribution) {
    const { scale, shape } = distribution.pareto;
    return (p) => scale * exp(negativeLn(1 - p) / shape);
  }
  const { empirical } = distribution;
  return (p) => between(empirical, p);
}

/** Never -0, which would print as such. */
function negativeLn(x: number): number {
  return 0 - ln(x);
}

/** Of the logarithm: mu is ln p50, and ln p99 is mu + z99 sigma. */
function sigmaOf({ p50, p99 }: { readonly p50: number; readonly p99: number }): number {
  return ln(p99 / p50) / Z_99;
}

/** The samples stand at equal distances from 0 to 1. */
function between(sorted: readonly number[], p: number): number {
  const position = p * (sorted.length - 1);
  const index = Math.floor(position);
  const lower = sorted[index] ?? 0;
  const upper = sorted[index + 1] ?? lower;
  return lower + (position - index) * (upper - lower);
}

/** Of what `between` draws: by the trapezoids under it. */
function meanBetween(sorted: readonly number[]): number {
  const last = sorted.length - 1;
  if (last <= 0) return sorted[0] ?? 0;
  let sum = ((sorted[0] ?? 0) + (sorted[last] ?? 0)) / 2;
  for (let index = 1; index < last; index++) sum += sorted[index] ?? 0;
  return sum / last;
}
