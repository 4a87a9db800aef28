/** What a simulated run prints that another does not: virtual times, in nanoseconds and cycles, and where they went. */
import type { SimulationReport } from "@vmcslab/lab";
import { COST_ROW_TEXTS, COST_ROWS, sumOfTotals } from "@vmcslab/sim";
import type { Palette } from "./palette.js";
import { renderTable } from "./table.js";

export function formatSimulation({ costModel, ghz }: SimulationReport): string {
  return `simulated: all times are virtual, of cost model ${costModel} at ${ghz} GHz (vmcslab costs ${costModel}); nothing was measured`;
}

/** Nanoseconds, the median also in cycles, and the mean of the round trips. */
export function simulatedOperationsTable({ operations }: SimulationReport, palette: Palette): string {
  const head = ["operation", "count", "p50 ns", "p99 ns", "max ns", "p50 cycles", "max cycles", "round trips"];
  const rows = Object.entries(operations).map(([name, { count, latencyNs, latencyCycles, roundTrips }]) => [
    name,
    ...[count, latencyNs.p50, latencyNs.p99, latencyNs.max, latencyCycles.p50, latencyCycles.max].map(String),
    roundTrips.mean.toFixed(2),
  ]);
  return renderTable(head, rows, palette);
}

/** Where virtual time went; rows without a cycle are left out. */
export function costsTable({ cyclesByRow }: SimulationReport, palette: Palette): string {
  const total = sumOfTotals(cyclesByRow);
  const rows = COST_ROWS.filter((row) => cyclesByRow[row] > 0)
    .toSorted((left, right) => cyclesByRow[right] - cyclesByRow[left])
    .map((row) => [
      `${row}: ${COST_ROW_TEXTS[row]}`,
      `${cyclesByRow[row]}`,
      `${((100 * cyclesByRow[row]) / total).toFixed(1)} %`,
    ]);
  return renderTable(["where time went", "cycles", "share"], rows, palette);
}
