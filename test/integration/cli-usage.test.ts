import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT, vmcslab } from "./cli-process.js";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "vmcslab-cli-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe("what is wrong is said once, with its line, and exit code 64", () => {
  it("a malformed experiment", async () => {
    const path = file("bad.yaml", "name: a\nworkload:\n  roundRobin: { duration: 1s, migratons: 1/s }\n");
    expect(await vmcslab(["run", path])).toEqual({
      exitCode: 64,
      stdout: "",
      stderr: `vmcslab: ${path}:3:31: unknown key "migratons"; did you mean "migrations"?\n`,
    });
  });

  it("a capture without kvm events", async () => {
    const capture = file("no-kvm.txt", "hello\n");
    const { exitCode, stdout, stderr } = await vmcslab([
      "run",
      "experiments/round-robin.yaml",
      "--set",
      `workload.kvmTrace=${capture}`,
      "-q",
    ]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 64, stdout: "" });
    expect(stderr).toBe(`vmcslab: ${capture}: no kvm events in 1 lines; line 1: not the form of a trace line: hello\n`);
  });

  it("a program line that is not an operation", async () => {
    const { exitCode, stdout, stderr } = await vmcslab(["exec"], {
      input: '{"cpu":0,"op":"vmptrst"}\n{"cpu":0,"op":"vmptrs"}\n',
    });
    expect(exitCode).toBe(64);
    expect(stdout.split("\n")).toHaveLength(2);
    expect(stderr).toMatch(/line 2/);
  });

  it.each([
    [["run"], "error: missing required argument 'experiment'"],
    [["run", "e.yaml", "--jsn"], "error: unknown option '--jsn'\n(Did you mean --json?)"],
    [["rum", "e.yaml"], "error: unknown command 'rum'\n(Did you mean run?)"],
    [["run", "/nowhere/e.yaml"], "vmcslab: /nowhere/e.yaml: there is no such file"],
    [
      ["run", "experiments/round-robin.yaml", "--cpus", "many"],
      "vmcslab: --cpus: machine.cpus: must be a whole number",
    ],
    [
      ["run", "experiments/round-robin.yaml", "--set", "machine"],
      "vmcslab: --set machine: write it as --set a.b=value",
    ],
    [["exec", "/nowhere/p.jsonl"], "vmcslab: /nowhere/p.jsonl: there is no such file"],
    [["cpu", "--id", "x"], 'vmcslab: --id: "x" is not a whole number'],
    [["cpu"], "vmcslab: which CPU is it? give --id, or CPU_ID"],
    [["help", "nothing"], "error: no help on 'nothing'"],
  ])("%j", async (args, message) => {
    const { exitCode, stdout, stderr } = await vmcslab(args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 64, stdout: "" });
    expect(stderr.startsWith(message), stderr).toBe(true);
  });
});

describe("help", () => {
  it.each(["run", "exec", "scenario", "schema", "models", "cpu", "l0", "trace", "healthcheck"])(
    "%s: the example comes first",
    async (command) => {
      const { exitCode, stdout } = await vmcslab([command, "--help"]);
      expect(exitCode).toBe(0);
      expect(stdout.startsWith("Example:\n")).toBe(true);
      expect(stdout).toContain(`Usage: vmcslab ${command}`);
    },
  );

  it("has the exit codes", async () => {
    const { exitCode, stdout } = await vmcslab(["help", "exit-codes"]);
    expect(exitCode).toBe(0);
    for (const code of [0, 1, 2, 3, 64, 69, 70, 130, 143]) expect(stdout).toMatch(new RegExp(`^ *${code}  `, "m"));
  });

  it("the version is that of the package", async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, "packages/cli/package.json"), "utf8"));
    expect((await vmcslab(["--version"])).stdout).toBe(`${version}\n`);
  });
});

describe("run --print-config", () => {
  it("shows every value with its origin: flag, environment, file, default", async () => {
    const args = [
      "run",
      "experiments/round-robin.yaml",
      "--print-config",
      "--pool-size",
      "7",
      "--set",
      "machine.cpus=2",
    ];
    const { exitCode, stdout, stderr } = await vmcslab(args, { env: { VMCSLAB_SEED: "5", VMCSLAB_SED: "1" } });
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^seed +5 {2}# VMCSLAB_SEED$/m);
    expect(stdout).toMatch(/^machine\.poolSize +7 {2}# --pool-size$/m);
    expect(stdout).toMatch(/^machine\.cpus +2 {2}# --set machine\.cpus=2$/m);
    expect(stdout).toMatch(/^machine\.vcpus +4 {2}# experiments\/round-robin\.yaml:\d+:\d+$/m);
    expect(stderr).toBe('warning: environment variable VMCSLAB_SED is not known; did you mean "VMCSLAB_SEED"?\n');
  });

  it("a flag comes before the environment", async () => {
    const args = ["run", "experiments/round-robin.yaml", "--print-config", "--seed", "9"];
    expect((await vmcslab(args, { env: { VMCSLAB_SEED: "5" } })).stdout).toMatch(/^seed +9 {2}# --seed$/m);
  });
});

it("healthcheck of nothing is exit code 69", async () => {
  expect(await vmcslab(["healthcheck", "127.0.0.1:1"])).toEqual({ exitCode: 69, stdout: "UNREACHABLE\n", stderr: "" });
});

it("schema prints a JSON Schema that knows the keys", async () => {
  const { exitCode, stdout } = await vmcslab(["schema"]);
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ type: "object", required: ["name", "workload"] });
});
