/** How long delays are, as data. Every number that is a time is in nanoseconds, 0 or more. */
export type Distribution =
  /** Always the same. */
  | { readonly constant: number }
  /** Evenly from min to max. */
  | { readonly uniform: { readonly min: number; readonly max: number } }
  /** Without memory. */
  | { readonly exponential: { readonly mean: number } }
  /** Half of all are below p50 > 0, all but one in a hundred below p99 >= p50. */
  | { readonly logNormal: { readonly p50: number; readonly p99: number } }
  /** Never below scale > 0; a share of (scale / x)^shape is longer than x. With a shape of 1 or less it has no mean. */
  | { readonly pareto: { readonly scale: number; readonly shape: number } }
  /** As measured: at least one sample, in ascending order; between two neighbours it is interpolated. */
  | { readonly empirical: readonly number[] };

/** The keys that tell them apart, each with what it means, for docs/faults.md. */
export const DISTRIBUTIONS = {
  constant: "always the same",
  uniform: "evenly from `min` to `max`",
  exponential: "without memory, with this `mean`",
  logNormal: "half are below `p50`, all but one in a hundred below `p99`",
  pareto:
    "never below `scale`; a share of (`scale` / x)^`shape` is longer than x. With a `shape` of 1 or less there is no mean: some delays last as long as the run",
  empirical:
    "as measured: a text file with one duration per line and `#` comments; between two neighbouring samples it is interpolated",
} as const;

export type DistributionKind = keyof typeof DISTRIBUTIONS;
