import { RULES } from "@vmcslab/history";
import { expect, it } from "vitest";
import { existsInRepository, readManifests, readPages, readSources } from "./repository.js";
import { findBannedIdentifiers } from "./rules/banned-identifiers.js";
import { findClockOffences } from "./rules/clock-and-randomness.js";
import { findDeadFiles } from "./rules/dead-files.js";
import { findDefaultExports } from "./rules/default-exports.js";
import { findMissingPaths } from "./rules/doc-paths.js";
import { findLongFiles } from "./rules/file-length.js";
import { findFocusedTests } from "./rules/focused-tests.js";
import { findImportOffences } from "./rules/import-directions.js";
import { findScatteredImports } from "./rules/single-importer.js";
import { describeOffences, type Offence } from "./source-file.js";

const SOURCES = readSources();
const PAGES = readPages();

it("the rules look at the whole repository", () => {
  const folders = new Set(SOURCES.map(({ path }) => path.split("/").slice(0, 2).join("/")));
  for (const { folder } of readManifests()) expect(folders).toContain(folder);
  expect(PAGES.map(({ path }) => path)).toContain("docs/invariants.md");
});

it.each<[string, () => Offence[]]>([
  ["imports point downwards, and pure packages import nothing of the platform", () => findImportOffences(SOURCES)],
  ["pure packages use no banned identifier", () => findBannedIdentifiers(SOURCES)],
  ["time and randomness come from one file", () => findClockOffences(SOURCES)],
  ["no test is focused, or skipped without a reason", () => findFocusedTests(SOURCES)],
  ["nothing is exported as default", () => findDefaultExports(SOURCES)],
  ["no file is too long", () => findLongFiles(SOURCES)],
  ["no source file is dead", () => findDeadFiles(SOURCES, readManifests())],
  ["every path that a page names exists", () => findMissingPaths(PAGES, existsInRepository)],
  ["one file of the runtime imports nats", () => findScatteredImports(SOURCES)],
])("%s", (_, find) => {
  expect(describeOffences(find())).toEqual([]);
});

it("the page on the invariants names every rule of the sanitizer, and no other", () => {
  const page = PAGES.find(({ path }) => path === "docs/invariants.md")?.text ?? "";
  const named = [...page.matchAll(/^\| `([a-z-]+)` \|/gm)].map((match) => match[1]);
  expect(named.sort()).toEqual(Object.keys(RULES).sort());
});
