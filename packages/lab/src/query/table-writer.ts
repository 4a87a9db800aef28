/** Appends rows to a table of the store, a chunk at a time. */
import type { DuckDBAppender, DuckDBConnection, DuckDBType, DuckDBValue, DuckDb } from "./duckdb.js";
import { TABLES, type TableName } from "./tables.js";

/** What DuckDB takes at once. */
const CHUNK_ROWS = 2048;

/** What a column may be given: a number becomes a BIGINT. */
export type Cell = number | string | boolean | readonly number[] | undefined;

export class TableWriter {
  readonly #duckDb: DuckDb;
  readonly #appender: DuckDBAppender;
  readonly #columns: Cell[][];
  readonly #types: DuckDBType[];
  #rows = 0;

  private constructor(duckDb: DuckDb, appender: DuckDBAppender, width: number) {
    this.#duckDb = duckDb;
    this.#appender = appender;
    this.#columns = Array.from({ length: width }, () => []);
    this.#types = this.#columns.map((_, index) => appender.columnType(index));
  }

  static async create(duckDb: DuckDb, connection: DuckDBConnection, table: TableName): Promise<TableWriter> {
    return new TableWriter(duckDb, await connection.createAppender(table), TABLES[table].columns.length);
  }

  /** One cell per column, in their order. */
  append(row: readonly Cell[]): void {
    const columns = this.#columns;
    for (let index = 0; index < columns.length; index++) columns[index]?.push(row[index]);
    this.#rows++;
    if (this.#rows === CHUNK_ROWS) this.#write();
  }

  close(): void {
    if (this.#rows > 0) this.#write();
    this.#appender.closeSync();
  }

  #write(): void {
    // One anew each time: what DuckDB keeps of a chunk that is reset is its own affair.
    const chunk = this.#duckDb.DuckDBDataChunk.create(this.#types, this.#rows);
    for (const [index, cells] of this.#columns.entries()) {
      chunk.setColumnValues(
        index,
        cells.map((cell) => this.#valueOf(cell)),
      );
      cells.length = 0;
    }
    this.#appender.appendDataChunk(chunk);
    this.#rows = 0;
  }

  #valueOf(cell: Cell): DuckDBValue {
    if (cell === undefined) return null;
    if (typeof cell === "number") return BigInt(cell);
    if (typeof cell === "string" || typeof cell === "boolean") return cell;
    return this.#duckDb.listValue(cell.map(BigInt));
  }
}
