import type { QueryRows, QueryValue } from "@vmcslab/lab/query";
import { expect, it } from "vitest";
import { formatRows, type RowFormat } from "./rows.js";

async function formatted(columns: string[], blocks: QueryValue[][][], format: RowFormat): Promise<string> {
  const rows: QueryRows = {
    columns,
    notes: [],
    blocks: (async function* () {
      yield* blocks;
    })(),
  };
  let text = "";
  for await (const part of formatRows(rows, format, false)) text += part;
  return text;
}

const COLUMNS = ["n", "text", "nothing", "list"];
const ROW: QueryValue[] = [1, 'a,"b', null, [1, 2]];
const OBJECT = { n: 1, text: 'a,"b', nothing: null, list: [1, 2] };

it("makes a JSON document, a line of JSON per row, and CSV of blocks", async () => {
  const blocks = [[ROW], [], [ROW, ROW]];
  expect(JSON.parse(await formatted(COLUMNS, blocks, "json"))).toEqual([OBJECT, OBJECT, OBJECT]);
  expect(await formatted(COLUMNS, blocks, "ndjson")).toBe(`${JSON.stringify(OBJECT)}\n`.repeat(3));
  const line = '1,"a,""b",,"[1,2]"\n';
  expect(await formatted(COLUMNS, blocks, "csv")).toBe(`n,text,nothing,list\n${line.repeat(3)}`);
});

it("makes something that can be read of no rows", async () => {
  expect(await formatted(COLUMNS, [], "json")).toBe("[]\n");
  expect(await formatted(COLUMNS, [], "ndjson")).toBe("");
  expect(await formatted(COLUMNS, [[]], "csv")).toBe("n,text,nothing,list\n");
  expect(await formatted(COLUMNS, [], "table")).toMatch(/n │ text[\s\S]*0 rows\n$/);
});

it("tells the empty text from null in CSV", async () => {
  expect(await formatted(["a", "b"], [[["", null]]], "csv")).toBe('a,b\n"",\n');
});

it("shows the first 1,000 rows as a table, and counts the rest", async () => {
  const block = Array.from({ length: 800 }, (_, index) => [index]);
  const text = await formatted(["n"], [block, block], "table");
  expect(text).toContain("1600 rows, the first 1000 shown; --format csv has all\n");
  expect(text.match(/│ \d+ +│/g)?.length).toBe(1000);
});
