import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { TraceExportFlags } from "../../packages/cli/src/commands/trace-export.js";
import { traceExportCommand } from "../../packages/cli/src/commands/trace-export-action.js";
import { parseExperiment } from "../../packages/lab/src/experiment/load.js";
import type { RunResult } from "../../packages/lab/src/run/result.js";
import { runsFolder, simulate } from "../../packages/lab/test-support/simulated-run.js";

const YAML = `
name: moves
machine: { cpus: 2, vcpus: 1 }
workload: { roundRobin: { entries: 20, migrations: every 3 entries } }
`;

const runs = runsFolder();
const out = mkdtempSync(join(tmpdir(), "vmcslab-export-"));
let run: RunResult;
beforeAll(async () => {
  run = await simulate(parseExperiment(YAML, "moves.yaml").experiment, 7, runs.path);
});
afterAll(() => {
  runs.remove();
  rmSync(out, { recursive: true });
});

async function exported(flags: Partial<TraceExportFlags>): Promise<string> {
  const file = join(out, "export");
  expect(await traceExportCommand(run.folder, { format: "text", out: file, ...flags })).toBe(0);
  return readFileSync(file, "utf8");
}

it("chrome: one JSON document, in which an arrow stands for every cross-CPU clear that the run counted", async () => {
  const { traceEvents } = JSON.parse(await exported({ format: "chrome" }));
  const phases = (ph: string): number => traceEvents.filter((event: { ph: string }) => event.ph === ph).length;
  expect(run.clears.crossCpu).toBeGreaterThan(5);
  for (const part of ["s", "t", "f"]) expect(phases(part)).toBe(run.clears.crossCpu);
  expect(phases("B")).toBe(phases("E"));
  expect(phases("b")).toBe(phases("e"));
});

it("text and ndjson: a line per stored event; --from, --to and --cpu take their part", async () => {
  const lines = (await exported({})).trimEnd().split("\n");
  expect(lines).toHaveLength(run.events.stored);
  const objects = (await exported({ format: "ndjson" })).trimEnd().split("\n");
  expect(objects.map((line) => JSON.parse(line).kind)).toHaveLength(run.events.stored);
  const secondsOf = (line: string): number => Number(/ (\d+\.\d+): /.exec(line)?.[1]);
  const middle = secondsOf(lines[Math.floor(lines.length / 2)] ?? "");
  const [before, after] = [await exported({ to: `${middle}` }), await exported({ from: `${middle}` })];
  const count = (text: string): number => text.trimEnd().split("\n").length;
  const both = lines.filter((line) => secondsOf(line) === middle).length;
  // Printed times are rounded to the microsecond, and events of one microsecond may be on either side.
  expect(count(before) + count(after)).toBeGreaterThanOrEqual(lines.length);
  expect(count(before) + count(after)).toBeLessThanOrEqual(lines.length + both);
  const ofCpu = (await exported({ cpu: "1" })).trimEnd().split("\n");
  expect(ofCpu.length).toBeGreaterThan(10);
  expect(ofCpu.length).toBeLessThan(lines.length);
});

it.each<[Partial<TraceExportFlags>, string]>([
  [{ from: "soon" }, '--from: seconds such as 12.345678, not "soon"'],
  [{ from: "2", to: "1" }, "--from: is after --to"],
  [{ cpu: "x" }, "--cpu"],
  [{ out: join(out, "no", "folder") }, "cannot be written (ENOENT)"],
])("%j is refused", async (flags, message) => {
  await expect(traceExportCommand(run.folder, { format: "text", ...flags })).rejects.toThrow(message);
});
