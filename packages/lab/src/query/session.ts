/** A DuckDB connection that sees the tables of runs, and can neither change them nor reach a file. */
import { availableParallelism } from "node:os";
import { type DuckDBConnection, type DuckDBInstance, loadDuckDb, quoted } from "./duckdb.js";
import { type QueriedRun, queriedRuns } from "./runs.js";
import { openStore } from "./store.js";
import { RUN_COLUMNS, tableEntries } from "./tables.js";

const THREADS_MAX = 4;

export interface Session {
  readonly connection: DuckDBConnection;
  /** What makes tables less than whole. */
  readonly notes: readonly string[];
  /** Nothing beyond the tables can be reached from here on, and no setting changed. */
  readonly lock: () => Promise<void>;
  readonly close: () => void;
}

/** `memory`: as DuckDB writes it, 512MB. */
export async function openSession(path: string, memory: string): Promise<Session> {
  const { DuckDBInstance } = await loadDuckDb();
  const runs = await queriedRuns(path);
  const notes: string[] = [];
  const files: string[] = [];
  for (const { folder } of runs) {
    const store = await openStore(folder);
    files.push(store.file);
    notes.push(...store.notes);
  }
  const database = await DuckDBInstance.create(":memory:", {
    memory_limit: memory,
    threads: `${Math.min(THREADS_MAX, availableParallelism())}`,
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
    // What does not fit the limit fails, and fills no disk.
    temp_directory: "",
  });
  try {
    const connection = await database.connect();
    for (const [index, file] of files.entries())
      await connection.run(`ATTACH ${quoted(file)} AS run${index} (READ_ONLY)`);
    for (const [name] of tableEntries()) await connection.run(`CREATE VIEW ${name} AS ${selectAll(runs, name)}`);
    return { connection, notes, lock: () => lock(connection), close: () => close(connection, database) };
  } catch (thrown) {
    database.closeSync();
    throw thrown;
  }
}

function selectAll(runs: readonly QueriedRun[], table: string): string {
  const [cell, repetition] = RUN_COLUMNS.map(({ name, type }) => `::${type} AS ${name}`);
  return runs
    .map(({ part }, index) => {
      const before = part === undefined ? "" : `${quoted(part.cell)}${cell}, ${part.repetition}${repetition}, `;
      return `SELECT ${before}* FROM run${index}.${table}`;
    })
    .join(" UNION ALL ");
}

async function lock(connection: DuckDBConnection): Promise<void> {
  await connection.run("SET enable_external_access = false");
  await connection.run("SET lock_configuration = true");
}

function close(connection: DuckDBConnection, database: DuckDBInstance): void {
  connection.closeSync();
  database.closeSync();
}
