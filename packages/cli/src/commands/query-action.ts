/** `vmcslab query`: SQL over the tables of recorded runs. */

import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { UsageError } from "@vmcslab/lab/errors";
import { exportParquet, runQuery, schemaText } from "@vmcslab/lab/query";
import { didYouMean } from "@vmcslab/lab/text";
import { systemClock } from "@vmcslab/runtime/clock";
import { hasColour } from "../output/terminal.js";
import { FORMATS, formatRows, isFormat } from "../report/rows.js";
import { durationMs } from "./duration-flag.js";
import type { QueryFlags } from "./query.js";

const INCOMPLETE = 2;

export async function queryCommand(
  folder: string | undefined,
  sql: string | undefined,
  { format, timeout, memory, parquet, schema }: QueryFlags,
): Promise<number> {
  if (schema === true) {
    process.stdout.write(schemaText());
    return 0;
  }
  if (folder === undefined) throw new UsageError("give the folder of a run, or --schema for the tables");
  if (!/^[1-9]\d*(?:MB|GB)$/.test(memory)) throw new UsageError(`--memory: "${memory}" is no size; write 512MB or 2GB`);
  if (parquet !== undefined) {
    if (sql !== undefined) throw new UsageError("--parquet writes whole tables: leave out the query");
    const { files, notes } = await exportParquet(folder, parquet, memory);
    process.stdout.write(files.map((file) => `${file}\n`).join(""));
    return said(notes);
  }
  if (sql === undefined) throw new UsageError('give a query, "SELECT …", or - to read it from stdin');
  if (!isFormat(format)) throw new UsageError(`--format: there is no "${format}"${didYouMean(format, FORMATS)}`);
  const timeoutMs = durationMs(timeout, "--timeout");
  if (timeoutMs === 0) throw new UsageError(`--timeout: "${timeout}" is no time for a query`);
  const asked = sql === "-" ? await text(process.stdin) : sql;
  let exitCode = 0;
  const options = { folder, sql: asked, timeoutMs, memory, clock: systemClock };
  await runQuery(options, async (rows) => {
    exitCode = said(rows.notes);
    await pipeline(formatRows(rows, format, hasColour(process.stdout, process.env)), process.stdout, { end: false });
  });
  return exitCode;
}

/** Tells what is missing, and says it as an exit code. */
function said(notes: readonly string[]): number {
  for (const note of notes) process.stderr.write(`vmcslab: ${note}\n`);
  return notes.length === 0 ? 0 : INCOMPLETE;
}
