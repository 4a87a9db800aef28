/** What a run prints of its load: service time and response time side by side, and whether the generator kept its own time. */
import type { LoadReport, RunResult } from "@vmcslab/lab";
import { PERCENTILE_NAMES } from "@vmcslab/lab";
import type { Palette } from "./palette.js";
import { PERCENTILE_TITLES } from "./percentile-titles.js";
import { renderTable } from "./table.js";

export function formatLoad({ load, mode }: RunResult, palette: Palette): string[] {
  if (load === undefined) return [];
  const { generator } = load;
  return [
    formatUnits(load),
    ...timesTable(load, mode === "simulated" ? 3 : 1, palette),
    ...(load.unfinished > 0 ? [formatUnfinished(load)] : []),
    ...(generator === undefined ? [] : [generator.note]),
  ];
}

function formatUnits(load: LoadReport): string {
  const { model, ratePerSecond, arrivals, unit, done, donePerSecond, warmup } = load;
  const asked = ratePerSecond === undefined ? "" : `, ${ratePerSecond} a second asked for, ${arrivals} arrivals`;
  const before =
    warmup.units === 0
      ? ""
      : `; the warm-up before it had ${warmup.units} units and ${warmup.operations} operations in ${warmup.durationMs} ms, which are left out`;
  return `load: ${model} model${asked}; unit: ${unit}; ${done} done, ${donePerSecond} a second${before}`;
}

function timesTable({ model, serviceUs, responseUs }: LoadReport, digits: number, palette: Palette): string[] {
  if (serviceUs === undefined || responseUs === undefined) return [];
  const columns = ["mean", ...PERCENTILE_NAMES] as const;
  const titles = { mean: "mean", ...PERCENTILE_TITLES };
  const row = (title: string, times: typeof serviceUs) => [
    title,
    ...columns.map((name) => times[name].toFixed(digits)),
  ];
  const head = ["time of a unit", ...columns.map((name) => `${titles[name]} µs`)];
  const rows = [row("service: from when it was begun", serviceUs)];
  if (model === "open") rows.push(row("response: from when it was due", responseUs));
  return [renderTable(head, rows, palette)];
}

function formatUnfinished({ intended, sent, unfinished }: LoadReport): string {
  const never = intended - sent;
  return `load: of ${intended} units that were due ${unfinished} were not done (${never} never begun, ${unfinished - never} failed or not ended): no time above is theirs`;
}
