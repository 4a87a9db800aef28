/** One SELECT over the tables of a run, within limits of time and memory. */
import type { Clock } from "@vmcslab/runtime";
import { errorMessage, UsageError } from "../errors.js";
import { type DuckDBConnection, type DuckDBResult, loadDuckDb } from "./duckdb.js";
import { openSession } from "./session.js";
import { plainValue, type QueryValue } from "./values.js";

export interface QueryOptions {
  readonly folder: string;
  readonly sql: string;
  readonly timeoutMs: number;
  /** As DuckDB writes it, 512MB. */
  readonly memory: string;
  readonly clock: Clock;
}

export interface QueryRows {
  readonly columns: readonly string[];
  /** Why the tables are not whole; empty: they are. */
  readonly notes: readonly string[];
  /** In blocks, as they come. */
  readonly blocks: AsyncIterable<readonly (readonly QueryValue[])[]>;
}

interface Limits {
  readonly explained: (thrown: unknown) => unknown;
  readonly isLate: () => boolean;
  readonly timeoutMs: number;
}

/**
 * Has `take` read the rows as they come: memory is the query's, not the result's. The limit of time holds from the statement's start until the last row is taken.
 * Throws UsageError for what is no single SELECT, for what DuckDB refuses, and for a query that meets a limit.
 */
export async function runQuery(options: QueryOptions, take: (rows: QueryRows) => Promise<void>): Promise<void> {
  const { folder, sql, timeoutMs, memory, clock } = options;
  const session = await openSession(folder, memory);
  let isLate = false;
  const timer = clock.after(timeoutMs, () => {
    isLate = true;
    session.connection.interrupt();
  });
  const explained = (thrown: unknown): unknown => (isLate ? tooLate(timeoutMs) : refused(thrown, memory));
  try {
    await session.lock();
    const result = await started(session.connection, sql).catch((thrown: unknown) => {
      throw explained(thrown);
    });
    await take({
      columns: result.columnNames(),
      notes: session.notes,
      blocks: blocks(result, { explained, isLate: () => isLate, timeoutMs }),
    });
  } finally {
    timer.cancel();
    session.close();
  }
}

async function started(connection: DuckDBConnection, sql: string): Promise<DuckDBResult> {
  const { StatementType } = await loadDuckDb();
  // DuckDB has no words for an empty text.
  if (sql.trim() === "") throw new UsageError("the query is empty: give one statement");
  const statements = await connection.extractStatements(sql);
  if (statements.count !== 1) throw new UsageError(`the query: give one statement, not ${statements.count}`);
  const statement = await statements.prepare(0);
  const type = statement.statementType;
  if (type !== StatementType.SELECT && type !== StatementType.EXPLAIN)
    throw new UsageError(
      `the query: ${StatementType[type]} is refused: a query only reads the tables (SELECT, WITH, FROM, EXPLAIN); --parquet DIR writes them to files`,
    );
  return await statement.stream();
}

async function* blocks(
  result: DuckDBResult,
  { explained, isLate, timeoutMs }: Limits,
): AsyncGenerator<readonly (readonly QueryValue[])[]> {
  const duckDb = await loadDuckDb();
  try {
    for await (const rows of result.yieldRows()) {
      if (isLate()) throw tooLate(timeoutMs);
      yield rows.map((row) => row.map((value) => plainValue(duckDb, value)));
    }
  } catch (thrown) {
    throw explained(thrown);
  }
}

function tooLate(timeoutMs: number): UsageError {
  return new UsageError(`the query took longer than ${timeoutMs / 1000} s: narrow it, or give it more with --timeout`);
}

function refused(thrown: unknown, memory: string): unknown {
  if (thrown instanceof UsageError) return thrown;
  const message = errorMessage(thrown).trim();
  if (message.startsWith("Out of Memory Error"))
    return new UsageError(`the query needs more than ${memory}: narrow it, or give it more with --memory`);
  if (message.startsWith("Permission Error"))
    return new UsageError(
      `the query: files are out of its reach: it reads the tables of the run and nothing else (${message})`,
    );
  return new UsageError(`the query: ${message.replace(/^Failed to extract statements: /, "")}`);
}
