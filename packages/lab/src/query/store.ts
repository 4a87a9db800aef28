/** `store/` in a run's folder: its tables as a DuckDB database, made when they are first asked for and again when what they are made of has changed. */
import { mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { mergeAsyncStreams } from "@vmcslab/history";
import { TruncatedHistory } from "@vmcslab/runtime";
import { openHistory, readEvents } from "../check/open-history.js";
import { errorMessage, systemErrorCode, UnavailableError, UsageError } from "../errors.js";
import { LOAD_FILE } from "../run/load-file.js";
import { metricsOf } from "../study/metrics.js";
import { type DuckDBConnection, loadDuckDb, quoted } from "./duckdb.js";
import { RowMaker } from "./rows.js";
import { TableWriter } from "./table-writer.js";
import { createStatement, tableEntries } from "./tables.js";

const STORE_DIR = "store";
const DATABASE = "events.duckdb";
/** What the database was made of. It is written last. */
const STAMP = "made-of.json";
/** Changes with the tables. */
const VERSION = "vmcslab.store/v1";
/** DuckDB writes blocks to disk beyond it. */
const LOADING_MEMORY = "128MB";

const NO_FILE = "none";

export interface Store {
  readonly file: string;
  /** Why tables are not whole: a history that was cut off. Empty: they are. */
  readonly notes: readonly string[];
}

/** Of a run's folder. Throws UsageError without a history, UnavailableError where it cannot be written. */
export async function openStore(folder: string): Promise<Store> {
  const { files } = await openHistory(folder);
  const inputs = [...files, join(folder, "result.json"), join(folder, LOAD_FILE)];
  const madeOf = JSON.stringify([VERSION, ...(await Promise.all(inputs.map(describeFile)))]);
  const directory = join(folder, STORE_DIR);
  const file = join(directory, DATABASE);
  const known = await readStamp(join(directory, STAMP));
  if (known?.madeOf === madeOf && (await describeFile(file)) !== NO_FILE) return { file, notes: known.notes };
  try {
    await mkdir(directory, { recursive: true });
    const notes = await makeStore(folder, files, file);
    await writeFile(join(directory, STAMP), `${JSON.stringify({ madeOf, notes })}\n`);
    return { file, notes };
  } catch (thrown) {
    if (systemErrorCode(thrown) === undefined) throw thrown;
    throw new UnavailableError(`${directory}: the store cannot be written: ${errorMessage(thrown)}`);
  }
}

async function describeFile(file: string): Promise<string> {
  const found = await stat(file).catch(() => undefined);
  return found === undefined ? NO_FILE : `${basename(file)}: ${found.size} ${found.mtimeMs}`;
}

/** Undefined for none, and for one that this version does not understand. */
async function readStamp(file: string): Promise<{ madeOf: string; notes: string[] } | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(file, "utf8"));
    if (typeof value !== "object" || value === null || !("madeOf" in value) || !("notes" in value)) return undefined;
    const { madeOf, notes } = value;
    if (typeof madeOf !== "string" || !Array.isArray(notes)) return undefined;
    return { madeOf, notes: notes.map(String) };
  } catch {
    return undefined;
  }
}

/** Beside its place first: who opens the store meanwhile sees the old one or the new one, whole. */
async function makeStore(folder: string, files: readonly string[], file: string): Promise<string[]> {
  const { DuckDBInstance } = await loadDuckDb();
  const made = `${file}.${process.pid}`;
  await rm(made, { force: true });
  try {
    const database = await DuckDBInstance.create(made, {
      memory_limit: LOADING_MEMORY,
      threads: "1",
      preserve_insertion_order: "false",
    });
    let notes: string[];
    try {
      const connection = await database.connect();
      for (const [name] of tableEntries()) await connection.run(createStatement(name));
      notes = await loadEvents(connection, files);
      await loadResult(connection, join(folder, "result.json"));
      await loadUnits(connection, join(folder, LOAD_FILE));
      await connection.run("CHECKPOINT");
      connection.closeSync();
    } finally {
      database.closeSync();
    }
    await rename(made, file);
    return notes;
  } finally {
    await rm(made, { force: true });
    await rm(`${made}.wal`, { force: true });
  }
}

async function loadEvents(connection: DuckDBConnection, files: readonly string[]): Promise<string[]> {
  const duckDb = await loadDuckDb();
  const notes: string[] = [];
  const streams = files.map(async function* (file: string) {
    try {
      yield* readEvents(file);
    } catch (thrown) {
      if (!(thrown instanceof TruncatedHistory)) throw thrown;
      notes.push(thrown.message);
    }
  });
  const [events, clears, operations, faults] = [
    await TableWriter.create(duckDb, connection, "events"),
    await TableWriter.create(duckDb, connection, "clears"),
    await TableWriter.create(duckDb, connection, "operations"),
    await TableWriter.create(duckDb, connection, "faults"),
  ];
  const maker = new RowMaker({
    events: (row) => events.append(row),
    clears: (row) => clears.append(row),
    operations: (row) => operations.append(row),
    faults: (row) => faults.append(row),
  });
  for await (const event of mergeAsyncStreams(streams)) maker.observe(event);
  maker.finish();
  for (const writer of [events, clears, operations, faults]) writer.close();
  return notes;
}

async function loadResult(connection: DuckDBConnection, file: string): Promise<void> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (thrown) {
    if (systemErrorCode(thrown) === "ENOENT") return;
    throw thrown;
  }
  let result: unknown;
  try {
    result = JSON.parse(text);
  } catch (thrown) {
    throw new UsageError(`${file}: damaged: ${errorMessage(thrown)}`);
  }
  const appender = await connection.createAppender("result");
  for (const [name, value] of metricsOf(result)) {
    appender.appendVarchar(name);
    appender.appendDouble(value);
    appender.endRow();
  }
  appender.closeSync();
}

async function loadUnits(connection: DuckDBConnection, file: string): Promise<void> {
  const found = await stat(file).catch(() => undefined);
  if (found === undefined) return;
  const columns = "{'phase': 'VARCHAR', 'intended_us': 'DOUBLE', 'sent_us': 'DOUBLE', 'done_us': 'DOUBLE'}";
  await connection.run(`INSERT INTO load SELECT * FROM read_csv(${quoted(file)}, header = true, columns = ${columns})`);
}
