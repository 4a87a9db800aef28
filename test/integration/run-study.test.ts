import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { vmcslab } from "./cli-process.js";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "vmcslab-study-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const TEXT = `name: sweep
seed: 7
machine: { cpus: 2, vcpus: 2 }
workload: { roundRobin: { entries: 12, migrations: every 3 entries } }
matrix:
  machine.poolSize: [1, 2]
  way: [processes, simulated]
exclude: [{ machine.poolSize: 1, way: processes }]
`;

function file(text: string): string {
  const path = join(folder, "sweep.yaml");
  writeFileSync(path, text);
  return path;
}

describe("vmcslab run, of an experiment with a matrix", () => {
  it("runs every cell, live and simulated, and leaves a folder for each run (cells=3, repetitions=2)", async () => {
    const runsDir = join(folder, "runs");
    const args = ["run", file(TEXT), "--set", "repetitions=2", "--json", "-q", "--runs-dir", runsDir];
    const { exitCode, stdout, stderr } = await vmcslab(args);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    const summary = JSON.parse(stdout);
    expect(summary).toMatchObject({ schema: "vmcslab.study/v1", experiment: "sweep", seed: 7, missing: [] });
    const latest = join(runsDir, "sweep", "latest");
    expect(JSON.parse(readFileSync(join(latest, "summary.json"), "utf8"))).toEqual(summary);
    expect(readdirSync(join(runsDir, "sweep"))).toHaveLength(2);
    const results = readdirSync(join(latest, "cells"))
      .sort()
      .map((cell) =>
        ["1", "2"].map((n) => JSON.parse(readFileSync(join(latest, "cells", cell, n, "result.json"), "utf8"))),
      );
    expect(results.map((pair) => pair.map(({ mode, host }) => [mode, host.poolSize]))).toEqual([
      Array(2).fill(["simulated", 1]),
      Array(2).fill(["embedded", 2]),
      Array(2).fill(["simulated", 2]),
    ]);
    // Paired: repetition n has one seed in all cells.
    expect(new Set(results.map((pair) => pair.map(({ seed }) => seed).join())).size).toBe(1);
    const [once] = results[0] ?? [];
    expect(once.again).toBe(
      `vmcslab run ${join(folder, "sweep.yaml")} --set repetitions=2 --set 'matrix={}' --set repetitions=1 --set machine.poolSize=1 --simulate --seed ${once.seed}`,
    );
  });

  it("the command of one of its runs makes that run again", async () => {
    const sets = ["--set", "matrix={}", "--set", "machine.poolSize=2"];
    const study = ["run", file(TEXT), "--simulate", "-q", "--json", "--runs-dir", join(folder, "simulated")];
    const { cells } = JSON.parse((await vmcslab(study)).stdout);
    const [{ seed }] = cells[1].repetitions;
    const { stdout } = await vmcslab([...study, ...sets, "--seed", `${seed}`]);
    const alone = JSON.parse(stdout);
    expect(alone.schema).toBe("vmcslab.result/v1");
    expect(cells[1].metrics["simulation.virtualNs"].values).toEqual([alone.simulation.virtualNs]);
  });

  it("a value that no cell can have is refused before anything runs", async () => {
    const path = file(TEXT.replace("[1, 2]", "[1, 2000]"));
    expect(await vmcslab(["run", path, "--runs-dir", join(folder, "none")])).toEqual({
      exitCode: 64,
      stdout: "",
      stderr: `vmcslab: ${path}:6:25: machine.poolSize: must be a whole number from 0 to 1024\n`,
    });
    expect(readdirSync(folder)).not.toContain("none");
  });

  it("a missed threshold in any run is exit code 3, and the table says where", async () => {
    const path = file(`${TEXT}thresholds: { pool.hits: "< 1" }\n`);
    const { exitCode, stdout } = await vmcslab(["run", path, "--simulate", "-q", "--runs-dir", join(folder, "runs3")]);
    expect(exitCode).toBe(3);
    expect(stdout).toContain("1 over threshold");
    expect(stdout).toContain("too few samples in 2 of 2 cells: an interval takes 5 repetitions");
  });
});
