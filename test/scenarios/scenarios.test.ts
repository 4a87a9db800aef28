import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { runScenarioFiles } from "../../packages/lab/src/scenario/run.js";

const DIRECTORY = import.meta.dirname;
const files = readdirSync(DIRECTORY).filter((name) => name.endsWith(".txt"));

describe("golden scenarios", () => {
  test.each(files)("%s", async (name) => {
    const [report] = await runScenarioFiles([`${DIRECTORY}/${name}`], { rewrite: false });
    expect(report?.differences).toEqual([]);
    expect(report?.violations).toEqual([]);
  });
});
