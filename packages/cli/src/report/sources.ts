/** What a report was made of, for people: a few lines for each run, cell and study. */

import { PERCENTILE_NAMES } from "@vmcslab/lab";
import type { ReportSource } from "@vmcslab/lab/report";
import { Palette } from "./palette.js";
import { formatStudy } from "./study.js";
import { renderTable } from "./table.js";

export function formatSources(sources: readonly ReportSource[], colour: boolean): string {
  return sources
    .map((source) =>
      source.kind === "study" ? formatStudy(source.summary, colour) : formatRuns(source, new Palette(colour)),
    )
    .join("\n");
}

type RunsSource = Exclude<ReportSource, { kind: "study" }>;

function formatRuns(source: RunsSource, palette: Palette): string {
  const runs = source.kind === "run" ? [source.run] : source.runs;
  return runs
    .map(({ folder, result }) => {
      const { operations, crossCpuClear, verdict, experiment, seed, mode } = result;
      const rows = Object.entries({ ...operations, ...(crossCpuClear === undefined ? {} : { crossCpuClear }) });
      const table = rows.map(([name, { count, latencyUs }]) => [
        name,
        `${count}`,
        ...PERCENTILE_NAMES.map((percentile) => latencyUs[percentile].toFixed(1)),
      ]);
      const head = ["operation", "count", "p50 µs", "p90 µs", "p99 µs", "p99.9 µs", "max µs"];
      return `${experiment}, seed ${seed}, ${mode}: ${palette.verdict(verdict)}\n${renderTable(head, table, palette)}\nfolder: ${folder}\n`;
    })
    .join("\n");
}
