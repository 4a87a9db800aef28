/** The tables of runs as Parquet files, one per table. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { errorMessage, UnavailableError } from "../errors.js";
import { quoted } from "./duckdb.js";
import { openSession } from "./session.js";
import { tableEntries } from "./tables.js";

export interface ParquetExport {
  readonly files: readonly string[];
  readonly notes: readonly string[];
}

/** Makes `directory`; files of the same name in it are overwritten. Throws UnavailableError where it cannot be written. */
export async function exportParquet(folder: string, directory: string, memory: string): Promise<ParquetExport> {
  const session = await openSession(folder, memory);
  try {
    await mkdir(directory, { recursive: true });
    const files: string[] = [];
    for (const [name] of tableEntries()) {
      const file = join(directory, `${name}.parquet`);
      await session.connection.run(
        `COPY (SELECT * FROM ${name}) TO ${quoted(file)} (FORMAT parquet, COMPRESSION zstd)`,
      );
      files.push(file);
    }
    return { files, notes: session.notes };
  } catch (thrown) {
    throw new UnavailableError(`${directory}: the tables cannot be written: ${errorMessage(thrown)}`);
  } finally {
    session.close();
  }
}
