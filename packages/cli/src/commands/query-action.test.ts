import { expect, it } from "vitest";
import type { QueryFlags } from "./query.js";
import { queryCommand } from "./query-action.js";

const FLAGS: QueryFlags = { format: "table", timeout: "30s", memory: "512MB" };

it.each<[string | undefined, string | undefined, Partial<QueryFlags>, string]>([
  [undefined, undefined, {}, "give the folder of a run, or --schema for the tables"],
  ["nowhere", "SELECT 1", {}, "nowhere: there is no such folder"],
  [".", undefined, {}, 'give a query, "SELECT …", or - to read it from stdin'],
  [".", "SELECT 1", { format: "cvs" }, '--format: there is no "cvs"'],
  [".", "SELECT 1", { memory: "lots" }, '--memory: "lots" is no size; write 512MB or 2GB'],
  [".", "SELECT 1", { timeout: "soon" }, '--timeout: "soon" is not a duration; write 500ms, 5s or 1min'],
  [".", "SELECT 1", { timeout: "0s" }, '--timeout: "0s" is no time for a query'],
  [".", "SELECT 1", { parquet: "x" }, "--parquet writes whole tables: leave out the query"],
])("%s %s %j is refused", async (folder, sql, flags, message) => {
  await expect(queryCommand(folder, sql, { ...FLAGS, ...flags })).rejects.toThrow(message);
});
