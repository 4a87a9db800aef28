/** Loads DuckDB when it is needed: nothing but queries does, and it is large. */
import type * as Module from "@duckdb/node-api";
import { errorMessage, UnavailableError } from "../errors.js";

export type {
  DuckDBAppender,
  DuckDBConnection,
  DuckDBInstance,
  DuckDBResult,
  DuckDBType,
  DuckDBValue,
} from "@duckdb/node-api";

export type DuckDb = typeof Module;

/** Throws UnavailableError where it is not installed. */
export async function loadDuckDb(): Promise<DuckDb> {
  try {
    return await import("@duckdb/node-api");
  } catch (thrown) {
    const [reason] = errorMessage(thrown).split("\n", 1);
    throw new UnavailableError(
      `queries need DuckDB, an optional dependency that is not installed here; "npm ci" without --omit=optional brings it, the container image leaves it out (${reason})`,
    );
  }
}

/** A string as SQL has it. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
