/** What was done to the host on purpose, and what it did to those who used it. */
import type { RunResult } from "@vmcslab/lab";
import type { Palette } from "./palette.js";
import { renderTable } from "./table.js";

export function formatFaults({ faults, faultNotes = [], failureCount }: RunResult, palette: Palette): string[] {
  if (faults === undefined || faults.injected === 0) return [];
  const head = ["fault", "injected", "healed", "struck", "ops in flight", "recovery p50 ms", "p99 ms"];
  const rows = Object.entries(faults.byKind).map(([kind, { injected, healed, struck, inFlight, recoveryMs }]) => [
    kind,
    ...[injected, healed, struck].map(String),
    inFlight === undefined ? "–" : `${inFlight}`,
    recoveryMs?.p50.toFixed(1) ?? "–",
    recoveryMs?.p99.toFixed(1) ?? "–",
  ]);
  return [
    renderTable(head, rows, palette),
    `faults: ${faults.injected} injected, ${faults.healed} healed; operations that failed: ${failureCount}`,
    ...faultNotes.map((note) => `note: ${note}`),
  ];
}
