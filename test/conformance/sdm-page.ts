/** docs/sdm.md as data: its tables, and the files and tests that they name. */
import { existsSync, readFileSync } from "node:fs";

const ROOT = new URL("../../", import.meta.url);

export interface TableRow {
  readonly section: string;
  readonly cells: readonly string[];
}

export interface NamedTest {
  readonly file: string;
  readonly title: string;
}

export function readPage(): string {
  return readFileSync(new URL("docs/sdm.md", ROOT), "utf8");
}

/** All rows of all tables but their heads, with the heading above them. */
export function rowsOf(page: string): TableRow[] {
  const rows: TableRow[] = [];
  let section = "";
  let isHead = true;
  for (const line of page.split("\n")) {
    section = /^##+ (.*)$/.exec(line)?.[1] ?? section;
    if (!line.startsWith("|")) isHead = true;
    else if (/^\|[\s|:-]+\|$/.test(line)) isHead = false;
    else if (!isHead)
      rows.push({
        section,
        cells: line
          .slice(1, -1)
          .split("|")
          .map((cell) => cell.trim()),
      });
  }
  return rows;
}

/** Rows of the tables under a heading that have this many columns. */
export function table(page: string, section: string, columns: number): (readonly string[])[] {
  return rowsOf(page)
    .filter((row) => row.section === section && row.cells.length === columns)
    .map(({ cells }) => cells);
}

/** Source files in backticks. */
export function filesIn(text: string): string[] {
  return [...text.matchAll(/`([\w/.-]+\.ts)`/g)].map((match) => match[1] ?? "");
}

/** `file.test.ts` "title", "title"; … */
export function testsIn(text: string): NamedTest[] {
  return [...text.matchAll(/`([\w/.-]+\.test\.ts)`((?:,? ?"[^"]+")+)/g)].flatMap(([, file = "", titles = ""]) =>
    [...titles.matchAll(/"([^"]+)"/g)].map((match) => ({ file, title: match[1] ?? "" })),
  );
}

/** Undefined when there is no such file. */
export function readNamed(file: string): string | undefined {
  const path = file.startsWith("conformance/") ? `test/${file}` : `packages/vmx/src/${file}`;
  const url = new URL(path, ROOT);
  return existsSync(url) ? readFileSync(url, "utf8") : undefined;
}

const TITLE = /(?:\b(?:test|it|describe)(?:\.\w+)*|\))\(\s*"((?:[^"\\]|\\.)*)"/g;

/** The titles that a test file gives to its tests and groups, as they stand in the source. */
export function titlesOf(source: string): Set<string> {
  return new Set([...source.matchAll(TITLE)].map((match) => match[1] ?? ""));
}
