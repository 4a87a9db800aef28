import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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

  it("a fault that no live host can inject", async () => {
    const fault = "{ match: {}, do: { delay: { constant: 10us } } }";
    const path = file("faults.yaml", `name: a\nworkload: { roundRobin: { entries: 1 } }\nfaults: [${fault}]\n`);
    const { exitCode, stdout, stderr } = await vmcslab(["run", path]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 64, stdout: "" });
    expect(stderr).toContain(`${path}:3:10: faults.0: nearly all of this delay is shorter than the 2 ms`);
    expect(stderr).toContain("or use --simulate");
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
      "vmcslab: --cpus: machine.cpus: must be a whole number from 1 to 64\n",
    ],
    [
      ["run", "experiments/round-robin.yaml", "--cpus", "0"],
      "vmcslab: --cpus: machine.cpus: must be a whole number from 1 to 64\n",
    ],
    [
      ["run", "experiments/round-robin.yaml", "--set", "machine"],
      "vmcslab: --set machine: write it as --set a.b=value",
    ],
    [["exec", "/nowhere/p.jsonl"], "vmcslab: /nowhere/p.jsonl: there is no such file"],
    [["exec", "packages"], "vmcslab: packages: this is a folder; give a file\n"],
    [["exec", "--traces", "packages"], "vmcslab: packages: this is a folder; give a file\n"],
    [["run", "experiments/round-robin.yaml", "--nats", "garbage"], 'vmcslab: --nats: "garbage" is not the address of'],
    [["trace", "--nats", "garbage"], 'vmcslab: --nats: "garbage" is not the address of'],
    [["history", "packages"], "vmcslab: packages: no history of a run here\n"],
    [["history", "/nowhere"], "vmcslab: /nowhere: there is no such folder\n"],
    [
      ["history", "packages", "--kind", "vmcs.cleer"],
      'vmcslab: --kind: there is no kind "vmcs.cleer"; did you mean "vmcs.clear"?',
    ],
    [["history", "packages", "--cpu", "x"], 'vmcslab: --cpu: "x" is not a whole number'],
    [["check", "packages"], "vmcslab: packages: no history of a run here\n"],
    [["check", "/nowhere"], "vmcslab: /nowhere: there is no such folder\n"],
    [["check", "packages", "--events", "x"], 'vmcslab: --events: "x" is not a whole number'],
    [["run", "packages"], "vmcslab: packages: this is a folder; give a file\n"],
    [["scenario", "packages"], "vmcslab: packages: this is a folder; give a file\n"],
    [["scenario", "/nowhere/s.txt"], "vmcslab: /nowhere/s.txt: there is no such file\n"],
    [["cpu", "--id", "x"], 'vmcslab: --id: "x" is not a whole number'],
    [["cpu"], "vmcslab: which CPU is it? give --id, or CPU_ID"],
    [["help", "nothing"], "error: no help on 'nothing'"],
  ])("%j", async (args, message) => {
    const { exitCode, stdout, stderr } = await vmcslab(args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 64, stdout: "" });
    expect(stderr.startsWith(message), stderr).toBe(true);
  });
});

it("a history that is none, and one that was cut off", async () => {
  const none = file("h.l0.1.events", "\u0005\n\u007fabc");
  expect(await vmcslab(["history", folder])).toMatchObject({
    exitCode: 64,
    stderr: expect.stringMatching(`^vmcslab: ${none}: no history that this version can read: `),
  });
  expect(await vmcslab(["check", folder])).toMatchObject({
    exitCode: 64,
    stdout: "",
    stderr: expect.stringMatching(`^vmcslab: ${none}: no history that this version can read: `),
  });
  const cut = file("h.l0.1.events", "\u0005h");
  expect(await vmcslab(["check", folder])).toMatchObject({
    exitCode: 64,
    stderr: expect.stringMatching(`^vmcslab: ${cut} ends inside a batch`),
  });
  expect(await vmcslab(["history", folder])).toEqual({
    exitCode: 2,
    stdout: "",
    stderr: `vmcslab: ${cut} ends inside a batch, 2 bytes of it are there\n`,
  });
});

it("a level of the log that is none", async () => {
  const { exitCode, stderr } = await vmcslab(["run", "experiments/round-robin.yaml", "-q"], {
    env: { VMCSLAB_LOG_LEVEL: "loud" },
  });
  expect({ exitCode, stderr }).toEqual({
    exitCode: 64,
    stderr:
      'vmcslab: VMCSLAB_LOG_LEVEL: "loud" is not a level; it is one of trace, debug, info, warn, error, fatal, silent\n',
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

  it.each([
    "run",
    "exec",
    "scenario",
    "schema",
    "models",
    "cpu",
    "l0",
    "trace",
    "check",
    "history",
    "compose",
    "proxy",
  ])("%s: every file of the project that it names is there", async (command) => {
    const { stdout } = await vmcslab([command, "--help"]);
    const named = stdout.match(/(?<![\w./-])(?:experiments|test|docs|bench)\/[\w./-]*\w/g) ?? [];
    for (const path of named) expect(existsSync(join(ROOT, path)), path).toBe(true);
    if (command === "scenario") expect(named).toContain("test/scenarios/place.txt");
  });

  it("says which exit codes this very command has", async () => {
    const { stdout } = await vmcslab(["healthcheck", "--help"]);
    expect(stdout).toMatch(/^ {2}69 {2}the service does not serve/m);
    expect((await vmcslab(["exec", "--help"])).stdout).toMatch(
      /^ {2}1 {3}with --strict: a rule of the manual was broken/m,
    );
  });

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
