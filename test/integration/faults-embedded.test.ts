/** Every experiment in experiments/faults on processes, shortened: `npm run docs:faults` runs them whole. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { FAULT_ACTIONS } from "@vmcslab/faults";
import type { RunResult } from "@vmcslab/lab";
import { parseExperiment } from "@vmcslab/lab/experiment";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ROOT, vmcslab } from "./cli-process.js";

const FOLDER = "experiments/faults";
const TIMES_MAX = 2;

let runs = "";
beforeAll(() => {
  runs = mkdtempSync(join(tmpdir(), "vmcslab-faults-"));
});
afterAll(() => rmSync(runs, { recursive: true, force: true }));

function load(path: string) {
  const text = readFileSync(join(ROOT, path), "utf8");
  return { text, experiment: parseExperiment(text, path).experiment };
}

/** Repeats a fault less often than the file says. */
function shortened(path: string, timesMax = TIMES_MAX): string[] {
  return load(path).experiment.faults.flatMap(({ repeat }, index) =>
    repeat === undefined || repeat.times <= timesMax ? [] : ["--set", `faults.${index}.repeat.times=${timesMax}`],
  );
}

async function run(path: string, ...more: string[]): Promise<RunResult & { readonly exitCode: number }> {
  const { exitCode, stdout, stderr } = await vmcslab(["run", path, "--json", "-q", "--runs-dir", runs, ...more]);
  if (stdout === "") throw new Error(stderr);
  return { ...JSON.parse(stdout), exitCode };
}

const files = readdirSync(join(ROOT, FOLDER)).filter((name) => name.endsWith(".yaml"));

describe("experiments/faults", () => {
  test("has every fault there is, and every policy about a lost CPU", () => {
    const all = files.map((name) => load(`${FOLDER}/${name}`).experiment);
    const kinds = all.flatMap(({ faults }) =>
      faults.flatMap(({ do: action }) => (typeof action === "string" ? [action] : Object.keys(action))),
    );
    // `online` undoes `offline`, which ends with it.
    expect(Object.keys(FAULT_ACTIONS).filter((kind) => !kinds.includes(kind) && kind !== "online")).toEqual([]);
    expect(new Set(all.map(({ machine }) => machine.lostCpu))).toEqual(new Set(["wait", "fence", "kill"]));
  });

  test.each(files)(
    "%s ends with the verdict that it expects",
    async (name) => {
      const path = `${FOLDER}/${name}`;
      const [, expected] = /Expected verdict: (\w+)\./.exec(load(path).text) ?? [];
      const result = await run(path, ...shortened(path));
      expect(result).toMatchObject({
        verdict: expected,
        exitCode: 0,
        events: { lost: 0 },
        violationCount: 0,
        gaps: [],
      });
      expect(result.faults?.injected).toBeGreaterThan(0);
      expect(result.faults?.healed).toBe(result.faults?.injected);
    },
    120_000,
  );
});

describe("a machine under load", () => {
  /** Processes that do nothing but keep a core busy. */
  const busy: ChildProcess[] = [];
  beforeAll(() => {
    for (let count = 0; count < 3 * availableParallelism(); count++)
      busy.push(spawn(process.execPath, ["-e", "for (;;);"], { stdio: "ignore" }));
  });
  afterAll(() => {
    for (const child of busy) child.kill("SIGKILL");
  });

  test("three busy processes per core: CPUs that stand still stop before their fence deadline, and L0 takes nothing too early", async () => {
    const result = await run(`${FOLDER}/stall-fence.yaml`, "--set", `faults.0.repeat.times=${TIMES_MAX}`);
    expect(result).toMatchObject({ verdict: "valid", exitCode: 0, violationCount: 0, gaps: [] });
    expect(result.faults?.injected).toBe(TIMES_MAX);
  }, 180_000);
});

describe("kill-soak", () => {
  test("in short: 40 kills of CPUs and 8 of L0, nothing acknowledged is lost (cpus=4, vcpus=6, pool=2)", async () => {
    const sets = ["faults.0.repeat.times=20", "faults.1.repeat.times=20", "faults.2.repeat.times=8"];
    const result = await run("experiments/kill-soak.yaml", ...sets.flatMap((set) => ["--set", set]));
    expect(result).toMatchObject({ verdict: "valid", exitCode: 0, violationCount: 0, gaps: [] });
    expect(result.faults).toMatchObject({
      injected: 48,
      healed: 48,
      byKind: { crash: { injected: 40, healed: 40 }, crashL0: { injected: 8, healed: 8 } },
    });
  }, 300_000);
});
