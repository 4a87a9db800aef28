/** The rows of a query as text, a block at a time. */
import type { QueryRows, QueryValue } from "@vmcslab/lab/query";
import { Palette } from "./palette.js";
import { renderTable } from "./table.js";

export const FORMATS = ["table", "json", "csv", "ndjson"] as const;
export type RowFormat = (typeof FORMATS)[number];

/** A table needs all its rows at once, and nobody reads more. */
const TABLE_ROWS_MAX = 1_000;

export function isFormat(name: string): name is RowFormat {
  return FORMATS.some((format) => format === name);
}

export async function* formatRows(rows: QueryRows, format: RowFormat, colour: boolean): AsyncGenerator<string> {
  switch (format) {
    case "table":
      return yield* table(rows, colour);
    case "json":
      return yield* json(rows);
    case "csv":
      yield `${rows.columns.map(csvField).join(",")}\n`;
      return yield* lines(rows, (row) => row.map(csvField).join(","));
    case "ndjson":
      return yield* lines(rows, (row) => objectOf(rows, row));
  }
}

async function* lines(rows: QueryRows, lineOf: (row: readonly QueryValue[]) => string): AsyncGenerator<string> {
  for await (const block of rows.blocks) if (block.length > 0) yield `${block.map(lineOf).join("\n")}\n`;
}

async function* json(rows: QueryRows): AsyncGenerator<string> {
  let before = "[\n";
  for await (const block of rows.blocks)
    for (const row of block) {
      yield `${before}${objectOf(rows, row)}`;
      before = ",\n";
    }
  yield before === "[\n" ? "[]\n" : "\n]\n";
}

function objectOf({ columns }: QueryRows, row: readonly QueryValue[]): string {
  return JSON.stringify(Object.fromEntries(columns.map((name, index) => [name, row[index] ?? null])));
}

async function* table(rows: QueryRows, colour: boolean): AsyncGenerator<string> {
  const shown: string[][] = [];
  let total = 0;
  for await (const block of rows.blocks) {
    total += block.length;
    for (const row of block.slice(0, TABLE_ROWS_MAX - shown.length)) shown.push(row.map(plain));
  }
  const counted = `${total} ${total === 1 ? "row" : "rows"}`;
  yield `${renderTable(rows.columns, shown, new Palette(colour))}\n`;
  yield total > shown.length ? `${counted}, the first ${shown.length} shown; --format csv has all\n` : `${counted}\n`;
}

function plain(value: QueryValue): string {
  if (value === null) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** As RFC 4180 has it: null is empty, the empty text is quoted. */
function csvField(value: QueryValue): string {
  const text = plain(value);
  return value === "" || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
