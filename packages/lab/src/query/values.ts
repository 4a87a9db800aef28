/** DuckDB's values as JSON has them. */
import type { DuckDBValue, DuckDb } from "./duckdb.js";

/** Numbers that a double does not hold exactly are decimal text; times, dates and the like are text. */
export type QueryValue =
  | string
  | number
  | boolean
  | null
  | readonly QueryValue[]
  | { readonly [key: string]: QueryValue };

export function plainValue(duckDb: DuckDb, value: DuckDBValue): QueryValue {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (typeof value === "bigint") return exact(value);
  if (value instanceof duckDb.DuckDBListValue || value instanceof duckDb.DuckDBArrayValue)
    return value.items.map((item) => plainValue(duckDb, item));
  if (value instanceof duckDb.DuckDBStructValue)
    return Object.fromEntries(Object.entries(value.entries).map(([key, entry]) => [key, plainValue(duckDb, entry)]));
  if (value instanceof duckDb.DuckDBDecimalValue) return value.toDouble();
  return String(value);
}

function exact(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}
