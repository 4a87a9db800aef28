import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { schemaMarkdown, schemaText, TABLES, tableEntries } from "./tables.js";

const PAGE = fileURLToPath(new URL("../../../../docs/query.md", import.meta.url));
const GENERATED = /(<!-- generated tables: begin -->\n)[\s\S]*(\n<!-- generated tables: end -->)/;

// `VMCSLAB_REWRITE=1 npx vitest run packages/lab/src/query/reference.test.ts` writes the tables anew.
it("docs/query.md has the tables that the code makes", () => {
  const page = readFileSync(PAGE, "utf8");
  expect(page).toMatch(GENERATED);
  const expected = page.replace(GENERATED, (_, begin, end) => `${begin}\n${schemaMarkdown()}\n${end}`);
  if (process.env.VMCSLAB_REWRITE === "1") writeFileSync(PAGE, expected);
  else expect(page).toBe(expected);
});

it("--schema names every table and column", () => {
  for (const [name, { columns }] of tableEntries()) {
    expect(schemaText()).toContain(`${name}: `);
    for (const column of columns) expect(schemaText()).toContain(`  ${column.name} `);
  }
  expect(tableEntries().map(([name]) => name)).toEqual(Object.keys(TABLES));
});
