/** SQL over recorded runs. */
export { exportParquet, type ParquetExport } from "./parquet.js";
export { type QueryOptions, type QueryRows, runQuery } from "./query.js";
export { schemaMarkdown, schemaText } from "./tables.js";
export type { QueryValue } from "./values.js";
