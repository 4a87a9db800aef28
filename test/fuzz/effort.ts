/** How much is tried. `FUZZ_RUNS` multiplies it, `FUZZ_SEED` chooses other inputs; both are printed when something is found. */
const RUNS = Number(process.env.FUZZ_RUNS ?? "1");

export const SEED = Number(process.env.FUZZ_SEED ?? "20111");

/** As many inputs as `each` says, times FUZZ_RUNS. */
export function runs(each: number): number {
  return Math.max(1, Math.round(each * RUNS));
}

/** For a test that takes `ms` at most with FUZZ_RUNS=1. */
export function timeout(ms: number): number {
  return ms * Math.max(1, RUNS);
}
