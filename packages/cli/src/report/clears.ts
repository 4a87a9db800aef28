/** Cross-CPU clears by phase, for people. */
import type { RunResult } from "@vmcslab/lab";
import { PERCENTILE_NAMES } from "@vmcslab/lab";
import type { Palette } from "./palette.js";
import { PERCENTILE_TITLES } from "./percentile-titles.js";
import { renderTable } from "./table.js";

type Clears = NonNullable<RunResult["crossCpuClear"]>;

/** Nothing when there was no cross-CPU clear. */
export function formatClears({ crossCpuClear, simulation }: RunResult, palette: Palette): string[] {
  if (crossCpuClear === undefined) return [];
  const digits = simulation === undefined ? 1 : 3;
  const { phases, meanUs } = crossCpuClear;
  const head = [
    "cross-CPU clear",
    "count",
    "mean µs",
    "share",
    ...PERCENTILE_NAMES.map((name) => `${PERCENTILE_TITLES[name]} µs`),
  ];
  const row = (name: string, summary: Pick<Clears, "count" | "meanUs" | "latencyUs">): string[] => [
    name,
    `${summary.count}`,
    summary.meanUs.toFixed(digits),
    `${meanUs === 0 ? 0 : Math.round((100 * summary.meanUs) / meanUs)} %`,
    ...PERCENTILE_NAMES.map((percentile) => summary.latencyUs[percentile].toFixed(digits)),
  ];
  const rows = phases === undefined ? [] : Object.entries(phases).map(([phase, summary]) => row(phase, summary));
  return [renderTable(head, [...rows, row("whole", crossCpuClear)], palette), ...clocksNote(crossCpuClear)];
}

function clocksNote({ clocks }: Clears): string[] {
  if (clocks === undefined || clocks === "one") return [];
  const which = clocks === "several" ? "the CPUs read" : "some CPUs read";
  return [`${which} another clock than L0: wire and back are each half of what both ways took together`];
}
