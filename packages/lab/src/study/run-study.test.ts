import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { systemClock } from "@vmcslab/runtime";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { InterruptedError, UnavailableError, UsageError } from "../errors.js";
import { parseExperiment } from "../experiment/load.js";
import { RESULT_SCHEMA, type RunResult } from "../run/result.js";
import { SUMMARY_FILE } from "./files.js";
import { planStudy, type ScheduledRun } from "./plan.js";
import { runStudy, type StudyOptions } from "./run-study.js";
import { type StudySummary, studyVerdict, summarySchema } from "./summary.js";

const TEXT = `name: sweep
workload: { roundRobin: { entries: 10 } }
matrix: { machine.poolSize: [1, 4] }
repetitions: 5
`;

let runs = "";
beforeEach(() => {
  runs = mkdtempSync(join(tmpdir(), "vmcslab-study-"));
});
afterEach(() => rmSync(runs, { recursive: true }));

/** A result in which the number of pool hits says which run it is of. */
function resultOf({ cell, repetition, seed }: ScheduledRun, more: Partial<RunResult> = {}): RunResult {
  const { poolSize, cpus, vcpus, design, preparation, clearing } = cell.loaded.experiment.machine;
  return {
    ...{ schema: RESULT_SCHEMA, experiment: "sweep", seed, verdict: "valid", mode: "simulated" },
    host: { cpus, vcpus, poolSize, design, preparation, clearing },
    operations: repetition === 2 ? {} : { place: { count: 1, latencyUs: { p50: 1, p90: 1, p99: 1, p999: 1, max: 1 } } },
    clears: { local: 0, crossCpu: 0, initial: 0 },
    pool: { hits: 100 * poolSize + repetition, recycles: 0, allocations: 0, frees: 0 },
    events: { published: 0, stored: 0, lost: 0 },
    ...{ violations: [], violationCount: 0, failures: [], failureCount: 0, gaps: [], thresholds: [] },
    workload: { kind: "roundRobin", notes: [], facts: {} },
    ...{ startedAt: "", durationMs: 5, folder: "", again: "" },
    ...more,
  };
}

async function study(
  run: StudyOptions["run"],
  more: Partial<StudyOptions> = {},
): Promise<{ summary: StudySummary; missing: string[]; progress: string[] }> {
  const loaded = parseExperiment(TEXT, "e.yaml");
  const plan = planStudy(loaded, "simulated");
  if (plan === undefined) throw new Error("no study");
  const missing: string[] = [];
  const progress: string[] = [];
  const summary = await runStudy({
    ...{ plan, experiment: loaded.experiment, seed: 7, runsDir: runs, again: "again", clock: systemClock, run },
    signal: new AbortController().signal,
    onProgress: ({ number, runs: all, run: { cell } }) => progress.push(`${number}/${all} ${cell.name}`),
    onMissing: ({ cell, repetition, why }) => missing.push(`${cell}/${repetition}: ${why}`),
    ...more,
  });
  return { summary, missing, progress };
}

const latest = () => join(runs, "sweep", "latest");
const written = () => summarySchema.parse(JSON.parse(readFileSync(join(latest(), SUMMARY_FILE), "utf8")));

describe("a study", () => {
  it("keeps every metric of every repetition, with its median and interval", async () => {
    const folders: string[] = [];
    const { summary, progress } = await study(async (run, folder) => {
      folders.push(folder);
      return resultOf(run);
    });
    expect(written()).toEqual(summary);
    expect(basename(summary.folder)).toBe(readlinkSync(latest()));
    expect(summary).toMatchObject({
      missing: [],
      seed: 7,
      repetitions: 5,
      axes: [{ path: "machine.poolSize", values: [1, 4] }],
    });
    expect(summary.cells.map(({ name, values, way }) => [name, values, way])).toEqual([
      ["poolSize=1", { "machine.poolSize": 1 }, "simulated"],
      ["poolSize=4", { "machine.poolSize": 4 }, "simulated"],
    ]);
    expect(summary.cells[1]?.metrics["pool.hits"]).toEqual({
      values: [401, 402, 403, 404, 405],
      median: 403,
      interval: { low: 401, high: 405 },
      tooFewSamples: false,
    });
    // Repetition 2 had no such operation: four samples are too few.
    expect(summary.cells[0]?.metrics["operations.place.latencyUs.p50"]).toEqual({
      values: [1, null, 1, 1, 1],
      median: 1,
      tooFewSamples: true,
    });
    expect(summary.cells[0]?.metrics["host.cpus"]).toBeUndefined();
    expect(folders.map((folder) => folder.slice(summary.folder.length + 1)).sort()).toEqual(
      summary.cells.flatMap(({ repetitions }) => repetitions.map(({ folder }) => folder)).sort(),
    );
    expect(progress[9]).toMatch(/^10\/10 poolSize=[14]$/);
    expect(studyVerdict(summary)).toBe("valid");
    expect(readFileSync(join(latest(), "README.md"), "utf8")).toContain("# sweep, seed 7: a study, valid");
  });

  it("ended by a signal keeps what it has and says what is missing", async () => {
    const controller = new AbortController();
    let begun = 0;
    const { summary } = await study(
      async (run) => {
        begun++;
        if (begun < 4) return resultOf(run);
        controller.abort("SIGINT");
        return resultOf(run, { interrupted: "SIGINT", verdict: "unknown" });
      },
      { signal: controller.signal },
    );
    expect(begun).toBe(4);
    expect(summary.interrupted).toBe("SIGINT");
    expect(summary.cells.flatMap(({ repetitions }) => repetitions)).toHaveLength(3);
    expect(summary.missing).toHaveLength(7);
    expect(studyVerdict(summary)).toBe("unknown");
    expect(readFileSync(join(latest(), "README.md"), "utf8")).toContain("7 runs are missing");
  });

  it("ended while a host starts is the same", async () => {
    const { summary } = await study(async () => {
      throw new InterruptedError("SIGTERM", "nothing was run yet");
    });
    expect(summary.missing).toHaveLength(10);
  });

  it("goes on after a run that could not be made, and gives up after three in a row", async () => {
    let begun = 0;
    const { summary, missing } = await study(async (run) => {
      begun++;
      if (begun === 1 || begun > 4) throw new UnavailableError("port in use");
      return resultOf(run);
    });
    expect(begun).toBe(7);
    expect(missing).toHaveLength(4);
    expect(missing[0]).toMatch(/^poolSize=[14]\/1: port in use$/);
    expect(summary.missing).toHaveLength(7);
    expect(summary.missing.filter(({ why }) => why === "port in use")).toHaveLength(4);
  });

  it.each([
    ["a mistake of the user", new UsageError("no such file")],
    ["a bug", new TypeError("undefined is not a function")],
  ])("ends at %s, and keeps what it has", async (_, mistake) => {
    let begun = 0;
    const running = study(async (run) => {
      begun++;
      if (begun === 3) throw mistake;
      return resultOf(run);
    });
    await expect(running).rejects.toThrow(mistake);
    expect(written().missing).toHaveLength(8);
  });

  it("is written after each round, so that a study that is killed keeps its rounds", async () => {
    const seen: number[] = [];
    await study(async (run) => {
      const path = dirname(latest());
      if (run.repetition > 1 && existsSync(path)) {
        const [folder = ""] = readdirSync(path).filter((name) => name !== "latest");
        const text = readFileSync(join(path, folder, SUMMARY_FILE), "utf8");
        seen.push(summarySchema.parse(JSON.parse(text)).missing.length);
      }
      return resultOf(run);
    });
    expect(seen).toEqual([8, 8, 6, 6, 4, 4, 2, 2]);
  });
});

describe("the verdict of a study is the worst of its runs", () => {
  it.each([
    [["valid", "valid"], "valid"],
    [["valid", "unknown"], "unknown"],
    [["unknown", "invalid"], "invalid"],
  ] as const)("%j: %s", (verdicts, expected) => {
    const repetitions = verdicts.map((verdict, index) => ({
      ...{ repetition: index + 1, seed: 1, verdict, thresholdsMet: true, folder: "" },
    }));
    const cells = [{ name: "all", values: {}, way: "simulated" as const, repetitions, metrics: {} }];
    expect(studyVerdict({ cells, missing: [] })).toBe(expected);
  });
});
