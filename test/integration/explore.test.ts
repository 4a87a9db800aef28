import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { vmcslab } from "./cli-process.js";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "vmcslab-explore-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const documentSchema = z.strictObject({
  schema: z.literal("vmcslab.explore/v1"),
  seeds: z.int(),
  steps: z.int(),
  stepsPerSecond: z.number().positive(),
  digest: z.string().regex(/^[0-9a-f]{16}$/),
  violations: z.array(
    z.strictObject({
      seed: z.int(),
      rule: z.string(),
      message: z.string(),
      shrunkTo: z.strictObject({ operations: z.int(), faults: z.int(), cpus: z.int() }).optional(),
    }),
  ),
  marks: z.record(z.string(), z.int()),
});

async function exploreJson(...args: string[]) {
  const { exitCode, stdout, stderr } = await vmcslab(["explore", ...args, "--json", "-q", "--out", folder]);
  expect(stderr).toBe("");
  const { stepsPerSecond: _, ...found } = documentSchema.parse(JSON.parse(stdout));
  return { exitCode, found };
}

describe("vmcslab explore", () => {
  it("comes to the same with one thread and with two", async () => {
    const [one, two, other] = await Promise.all([
      exploreJson("--seeds", "120", "--jobs", "1"),
      exploreJson("--seeds", "120", "--jobs", "2"),
      exploreJson("--seeds", "120", "--from", "2"),
    ]);
    expect(two).toEqual(one);
    expect(one).toMatchObject({ exitCode: 0, found: { seeds: 120, violations: [] } });
    expect(other.found.digest).not.toBe(one.found.digest);
  });

  it("tells people the marks, and says aloud which were not reached", async () => {
    const { exitCode, stdout } = await vmcslab(["explore", "--seeds", "2", "-q"]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/true design: valid\n2 seeds, \d+ steps, \d+ steps\/s per core, digest [0-9a-f]{16}\n/);
    expect(stdout).toContain("NEVER REACHED: ");
  });

  it("finds a mutant, shrinks it, and replay makes the same violation of the file", async () => {
    const args = ["--mutant", "clear-to-wrong-cpu", "--seeds", "200"];
    const { exitCode, found } = await exploreJson(...args);
    expect(exitCode).toBe(1);
    const [violation] = found.violations;
    expect(found.violations).toHaveLength(1);
    expect(violation?.shrunkTo?.operations).toBeLessThanOrEqual(10);
    expect(found.seeds).toBe(violation?.seed);

    const file = join(folder, `explore-clear-to-wrong-cpu-${violation?.seed}.json`);
    const plan = JSON.parse(readFileSync(file, "utf8"));
    expect(plan).toMatchObject({ schema: "vmcslab.plan/v1", mutant: "clear-to-wrong-cpu", rule: violation?.rule });

    const replay = await vmcslab(["replay", file, "--json"]);
    expect(replay.exitCode).toBe(1);
    expect(JSON.parse(replay.stdout)).toMatchObject({
      violation: { rule: violation?.rule },
      digest: plan.digest,
      sameDigest: true,
    });

    writeFileSync(file, JSON.stringify({ ...plan, mutant: null }));
    const mended = await vmcslab(["replay", file]);
    expect(mended.exitCode).toBe(0);
    expect(mended.stdout).toContain("no rule is violated");
    expect(mended.stdout).toContain("NOT as recorded");
  });

  it("draws what it found", async () => {
    const { exitCode, stdout } = await vmcslab(["explore", "--mutant", "clear-skipped", "-q", "--out", folder]);
    expect(exitCode).toBe(1);
    expect(stdout).toContain("violates active-twice: a VMCS is loaded on a CPU while it is active on another");
    expect(stdout).toMatch(/#1 +1 ms +create vcpu0 on cpu\d, pool size 1/);
    expect(stdout).toContain("[2] vmcs.load vmcs1(e2)");
    expect(stdout).toContain(`again: vmcslab replay ${join(folder, "explore-clear-skipped-")}`);
  });

  it("lists the mutants", async () => {
    const { exitCode, stdout } = await vmcslab(["explore", "--list-mutants", "--json"]);
    expect(exitCode).toBe(0);
    const list = z.array(z.strictObject({ name: z.string(), origin: z.string() })).parse(JSON.parse(stdout));
    expect(list.map(({ name }) => name)).toContain("clear-skipped");
  });

  it.each([
    [["--mutant", "clear-skiped"], 'there is no mutant "clear-skiped"; did you mean "clear-skipped"?'],
    [["--jobs", "0"], "--jobs: must be a whole number from 1 to 256"],
    [["--time", "soon"], '--time: "soon" is not a duration'],
    [["--out", "/nowhere"], "--out: /nowhere is not a folder"],
    [["/nowhere/e.yaml"], "/nowhere/e.yaml: there is no such file"],
  ])("refuses %j", async (args, message) => {
    const { exitCode, stdout, stderr } = await vmcslab(["explore", ...args]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 64, stdout: "" });
    expect(stderr).toContain(message);
  });
});

describe("vmcslab replay", () => {
  it("stops when an operation has ended, and prints the host", async () => {
    const file = join(folder, "by-hand.json");
    writeFileSync(file, JSON.stringify(BY_HAND));
    const { exitCode, stdout } = await vmcslab(["replay", file, "--until", "op=3"]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain("cpu0: current:VMCS2 active:[VMCS1,VMCS2]\n  cpu1: current:none active:[]\n");
    expect(stdout).toContain("vcpu0 pool: [0x3000→VMCS2 cpu0 launched]\nstopped: operation 3 has ended\n");
    expect(stdout).not.toContain("\n#4 ");
  });

  it.each([
    ["{}", "this is not a plan of `vmcslab explore`: it has no schema"],
    ["hello", "this is not JSON"],
    ['{ "schema": "vmcslab.plan/v1" }', "mutant: is missing"],
  ])("refuses %s", async (text, message) => {
    const file = join(folder, "damaged.json");
    writeFileSync(file, text);
    const { exitCode, stdout, stderr } = await vmcslab(["replay", file]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 64, stdout: "" });
    expect(stderr).toContain(message);
  });

  it("refuses an operation that is not there", async () => {
    const file = join(folder, "by-hand.json");
    writeFileSync(file, JSON.stringify(BY_HAND));
    const { exitCode, stderr } = await vmcslab(["replay", file, "--until", "op=9"]);
    expect(exitCode).toBe(64);
    expect(stderr).toContain("--until: there is no operation 9: the plan has 4");
  });
});

const BY_HAND = {
  schema: "vmcslab.plan/v1",
  mutant: null,
  cpuModel: "tigerlake",
  rule: "none",
  message: "",
  digest: "0000000000000000",
  plan: {
    seed: 1,
    cpus: 2,
    memoryPages: 64,
    policy: "wait",
    lease: "3ms",
    latency: { constant: "10us" },
    inOrder: true,
    operations: [
      { at: "1ms", do: "create", vcpu: 0, cpu: 0, poolSize: 1 },
      { at: "2ms", do: "build", vcpu: 0, guest: 0 },
      { at: "3ms", do: "enter", vcpu: 0, guest: 0 },
      { at: "4ms", do: "place", vcpu: 0, cpu: 1 },
    ],
    faults: [],
  },
};
