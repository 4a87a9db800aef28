import { byRow, COST_ROWS, type CostRow } from "./rows.js";

/** Where virtual time went: cycles, by row. */
export type CycleTotals = Readonly<Record<CostRow, number>>;

export const NO_CYCLES: CycleTotals = byRow(() => 0);

/** Row by row, of several CPUs or parts of a run. */
export function mergeTotals(...totals: readonly CycleTotals[]): CycleTotals {
  return byRow((row) => totals.reduce((sum, one) => sum + one[row], 0));
}

/** Cycles of all rows together. */
export function sumOfTotals(totals: CycleTotals): number {
  return COST_ROWS.reduce((sum, row) => sum + totals[row], 0);
}
