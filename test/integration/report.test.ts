import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { vmcslab } from "./cli-process.js";

const EXPERIMENT = `name: swept
seed: 7
machine: { cpus: 2, vcpus: 2 }
workload: { roundRobin: { entries: 12, migrations: every 3 entries } }
matrix: { machine.poolSize: [1, 2] }
repetitions: 5
`;

let folder = "";
let latest = "";
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "vmcslab-report-"));
  writeFileSync(join(folder, "swept.yaml"), EXPERIMENT);
  await vmcslab(["run", join(folder, "swept.yaml"), "--simulate", "-q", "--runs-dir", folder]);
  latest = join(folder, "swept", "latest");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("vmcslab report", () => {
  it("writes the page into the folder of a study, and prints its table", async () => {
    rmSync(join(latest, "report.html"));
    const { exitCode, stdout, stderr } = await vmcslab(["report", join(folder, "swept")]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toContain("swept, seed 7: valid (2 cells, 5 repetitions");
    expect(stdout).toMatch(/report: .*\/report\.html\n$/);
    expect(existsSync(join(latest, "report.html"))).toBe(true);
  });

  it("of a repetition and a cell at once writes one page where it is told", async () => {
    const out = join(folder, "both.html");
    const cell = join(latest, "cells", "poolSize=1");
    const { exitCode, stdout } = await vmcslab(["report", cell, join(cell, "2"), "-o", out]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain("crossCpuClear");
    expect(existsSync(out)).toBe(true);
  });

  it("compares two cells, whose only difference is named", async () => {
    const cells = [1, 2].map((size) => join(latest, "cells", `poolSize=${size}`));
    const { exitCode, stdout } = await vmcslab(["report", "--compare", ...cells]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain("differs: machine.poolSize: A 1, B 2");
    expect(stdout).toContain("where nothing differs, one in twenty");
    const json = await vmcslab(["report", "--compare", ...cells, "--json", "--metric", "clears."]);
    const document = JSON.parse(json.stdout);
    expect(document).toMatchObject({ schema: "vmcslab.compare/v1", warnings: [], a: { kind: "cell" } });
    expect(document.comparisons.map(({ metric }: { metric: string }) => metric)).toEqual([
      "clears.local",
      "clears.crossCpu",
      "clears.initial",
    ]);
  });

  it("compares two single runs, and says of single numbers that one sample is too few", async () => {
    const runs = [1, 2].map((n) => join(latest, "cells", "poolSize=1", `${n}`));
    const { stdout } = await vmcslab(["report", "--compare", ...runs]);
    expect(stdout).toMatch(/too few samples for \d+ numbers: 5 repetitions of each/);
  });

  it.each([
    [["--compare", "."], "--compare takes two folders, A and B, not 1"],
    [["."], ".: no run or study that has ended here: no result.json, no summary.json"],
    [[".", "--json"], "--json goes with --compare: result.json and summary.json are what a report is made of"],
    [["--compare", "nowhere", "nowhere"], "nowhere: there is no such folder"],
  ])("%j is refused", async (args, message) => {
    expect(await vmcslab(["report", ...args])).toEqual({ exitCode: 64, stdout: "", stderr: `vmcslab: ${message}\n` });
  });
});
