import type { Command } from "@commander-js/extra-typings";
import { exitCodes } from "../help/exit-codes.js";
import { addHelpSections } from "../help/sections.js";

export interface QueryFlags {
  readonly format: string;
  readonly timeout: string;
  readonly memory: string;
  readonly parquet?: string;
  readonly schema?: true;
}

export function addQueryCommand(program: Command): void {
  const command = program
    .command("query")
    .description("ask recorded runs in SQL: their events, clears, operations, faults, load and result are tables")
    .argument(
      "[run]",
      "folder of a run, a study, a cell of a study, an experiment's runs (its latest), or one that trace wrote",
    )
    .argument("[sql]", "one SELECT in the SQL of DuckDB; - reads it from stdin")
    .option("-f, --format <format>", "table, json, csv or ndjson", "table")
    .option("--timeout <duration>", "interrupt a query that takes longer", "30s")
    .option("--memory <size>", "what a query may use: 512MB, 2GB", "512MB")
    .option("--parquet <dir>", "write the tables as Parquet files into this folder, and no query")
    .option("--schema", "print the tables with their columns and what they mean")
    .action(async (run, sql, flags) => {
      const { queryCommand } = await import("./query-action.js");
      process.exitCode = await queryCommand(run, sql, flags);
    });
  addHelpSections(command, {
    examples: [
      [
        'vmcslab query runs/round-robin/latest "SELECT to_cpu, count(*), max(duration_ns) FROM clears GROUP BY ALL"',
        "clears by the CPU that held the VMCS",
      ],
      ["vmcslab query --schema", "the tables"],
      ["vmcslab query runs/round-robin/latest --parquet tables", "for other tools"],
    ],
    environment: { NO_COLOR: "no colours" },
    exitCodes: {
      "0": "the rows are printed, or the files written",
      "2": "the same, but the history is cut off, as after a crash of trace",
      "64": "wrong usage: a flag, a folder without a history, SQL that DuckDB refuses, a limit that is met",
      "69": "DuckDB is not installed, or the store beside the history cannot be written",
      ...exitCodes("70"),
    },
  });
}
