import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { LIMITS, shown } from "./limits.js";

const PAGE = fileURLToPath(new URL("../../../docs/protocol.md", import.meta.url));
const BEGIN = "<!-- generated limits: begin -->\n";
const END = "<!-- generated: end -->";

// `VMCSLAB_REWRITE=1 npx vitest run packages/runtime/src/limits.test.ts` writes the table anew.
it("docs/protocol.md has the limits", () => {
  const page = readFileSync(PAGE, "utf8");
  const from = page.indexOf(BEGIN) + BEGIN.length;
  const to = page.indexOf(END, from);
  expect(from).toBeGreaterThan(BEGIN.length);
  const expected = `${page.slice(0, from)}${table()}${page.slice(to)}`;
  if (process.env.VMCSLAB_REWRITE === "1") writeFileSync(PAGE, expected);
  else expect(page).toBe(expected);
});

function table(): string {
  const rows = Object.values(LIMITS).map(
    ({ max, of, where }) => `| ${max.toLocaleString("en-US")} | ${of} | ${where} |\n`,
  );
  return `| at most | of what | where |\n| --: | --- | --- |\n${rows.join("")}`;
}

it("what a message quotes is short, and cannot move a terminal's cursor", () => {
  expect(shown("a".repeat(81))).toBe(`${"a".repeat(80)}…`);
  expect(shown("a\u001b[2J\nb")).toBe("a?[2J?b");
});
