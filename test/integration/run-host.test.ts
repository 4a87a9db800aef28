import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { childrenOf, eventually, isRunning, startVmcslab, vmcslab } from "./cli-process.js";

let runs = "";
beforeAll(() => {
  runs = mkdtempSync(join(tmpdir(), "vmcslab-run-"));
});
afterAll(() => rmSync(runs, { recursive: true, force: true }));

const CAPTURE = "experiments/captures/xeon6348-nested-windows.perf.txt";

/** Each vcpu alternates between two vmcs12s, and moves on after every round. */
function* twoVcpus(): Generator<string> {
  const cpus = [1, 5, 7];
  for (let round = 0; round < 10; round++) {
    for (const vcpu of [0, 1]) {
      const head = `qemu-kvm-${100 + vcpu}  [00${cpus[(round + vcpu) % 3]}]  ${1000 + round}.${vcpu}00001:`;
      const vmcs = (round + vcpu) % 2 === 0 ? "0x7f0012000" : "0x7f0034000";
      yield `${head} sched_migrate_task: comm=qemu pid=${100 + vcpu} prio=120 orig_cpu=0 dest_cpu=1`;
      for (const reason of ["VMPTRLD", "VMWRITE"]) {
        yield `${head} kvm_exit:             reason ${reason} rip 0xfffff80006a40115 info 0 0`;
        yield `${head} kvm_entry:            vcpu ${vcpu}`;
      }
      yield `${head} kvm_exit:             reason ${round < 2 ? "VMLAUNCH" : "VMRESUME"} rip 0xfffff80006a40115 info 0 0`;
      yield `${head} kvm_nested_vmrun:     rip: 0x1 vmcs: ${vmcs} nrip: 0xfffff80000001000 int_ctl: 0x00000000 event_inj: 0x00000000 npt: on`;
      yield `${head} kvm_entry:            vcpu ${vcpu}`;
      yield `${head} kvm_exit:             reason HLT rip 0xfffff80000002000 info 0 0`;
      yield `${head} kvm_nested_vmexit:    rip: 0xfffff80000002000 reason: HLT ext_inf1: 0x0 ext_inf2: 0x0 ext_int: 0x0 ext_int_err: 0x0`;
      yield `${head} kvm_nested_vmexit_inject: reason: HLT ext_inf1: 0x0 ext_inf2: 0x0 ext_int: 0x0 ext_int_err: 0x0`;
      yield `${head} kvm_entry:            vcpu ${vcpu}`;
      yield `${head} kvm_exit:             reason VMREAD rip 0xfffff80006a40115 info 0 0`;
      yield `${head} kvm_entry:            vcpu ${vcpu}`;
    }
  }
}

describe("a run", () => {
  it("of the capture: valid, cross-CPU clears, nothing lost (cpus=4, repeat=20)", async () => {
    const args = [
      "run",
      "experiments/kvm-capture.yaml",
      "--json",
      "-q",
      "--runs-dir",
      runs,
      "--set",
      "workload.repeat=20",
    ];
    const { exitCode, stdout, stderr } = await vmcslab(args);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({
      schema: "vmcslab.result/v1",
      experiment: "kvm-capture",
      seed: expect.any(Number),
      verdict: "valid",
      host: { cpus: 4, vcpus: 1, poolSize: 1 },
      operations: {
        vmresume: {
          count: 39,
          latencyUs: {
            p50: expect.any(Number),
            p90: expect.any(Number),
            p99: expect.any(Number),
            p999: expect.any(Number),
            max: expect.any(Number),
          },
        },
        exitL1: { count: 20 },
        exitL2: { count: 20 },
        exitL2ToL1: { count: 40 },
      },
      pool: { hits: 39, recycles: 0, allocations: 1, frees: 1 },
      violations: [],
    });
    expect(result.clears.crossCpu).toBeGreaterThan(0);
    const { local, crossCpu, initial } = result.clears;
    const clears = await vmcslab(["history", result.folder, "--kind", "vmcs.clear"]);
    expect(clears.stdout.match(/^ +cpu\d \d+\.\d{6}: vmcs\.clear: cpu=/gm)).toHaveLength(local + crossCpu + initial);
    const events = await vmcslab(["history", join(result.folder, "history"), "--ndjson"]);
    const lamports = events.stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).lamport);
    expect(lamports).toHaveLength(result.events.stored);
    expect(lamports).toEqual(lamports.toSorted((left, right) => left - right));
    const check = await vmcslab(["check", join(runs, "kvm-capture/latest"), "--json"]);
    expect({ exitCode: check.exitCode, stderr: check.stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(JSON.parse(check.stdout)).toMatchObject({
      ...{ schema: "vmcslab.check/v1", verdict: "valid", doubts: [], violations: [], violationCount: 0 },
      events: { checked: result.events.stored, lost: result.events.lost, duplicates: 0 },
    });
    expect(result.events.lost).toBe(0);
    expect(result.events.stored).toBe(result.events.published);
    for (const file of ["README.md", "experiment.yaml", "result.json", "history"])
      expect(existsSync(join(result.folder, file)), file).toBe(true);
    expect(JSON.parse(readFileSync(join(runs, "kvm-capture/latest/result.json"), "utf8"))).toEqual(result);
  });

  it("round-robin: every L2 finds what it left (cpus=3, vcpus=3, pool=2)", async () => {
    const workload = "{l2Guests: 3, entriesPerTurn: 2, entries: 120, migrations: every 3 entries}";
    const args = [
      "run",
      "experiments/round-robin.yaml",
      "--json",
      "-q",
      "--runs-dir",
      runs,
      "--cpus",
      "3",
      "--vcpus",
      "3",
      "--set",
      `workload.roundRobin=${workload}`,
    ];
    const { exitCode, stdout } = await vmcslab(args);
    const result = JSON.parse(stdout);
    expect({ exitCode, verdict: result.verdict, violations: result.violations }).toEqual({
      exitCode: 0,
      verdict: "valid",
      violations: [],
    });
    expect(result.workload.facts).toEqual({ entries: 120, migrations: 40 });
    expect(result.pool.recycles).toBeGreaterThan(0);
    expect(result.pool.frees).toBe(result.pool.allocations);
    expect(result.clears.crossCpu).toBeGreaterThan(0);
  });

  it("round-robin takes a capture by --set, and a table is printed", async () => {
    const args = [
      "run",
      "experiments/round-robin.yaml",
      "--runs-dir",
      runs,
      "--cpus",
      "2",
      "--set",
      `workload.kvmTrace=${CAPTURE}`,
    ];
    const { exitCode, stdout, stderr } = await vmcslab(args);
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toContain("│ clears, cross-CPU    │");
    expect(stdout).toContain("inferred: the vmcs12, which enlightened VMCS hides");
    expect(stderr).toContain(
      "45 lines; 5 operations to replay, from 13 kvm events; 32 kvm events with nothing to replay",
    );
  });

  it("trace-cmd's text of two vcpus: every VMX instruction, and the capture's own migrations (cpus=3)", async () => {
    const capture = join(runs, "trace-cmd.txt");
    writeFileSync(capture, `cpus=8\n${[...twoVcpus()].join("\n")}\nnonsense\n`);
    const args = ["run", "experiments/kvm-capture.yaml", "--json", "-q", "--runs-dir", runs, "--cpus", "3"];
    const sets = [`workload.kvmTrace=${capture}`, "workload.repeat=3", "workload.placement=capture"];
    const { exitCode, stdout } = await vmcslab([...args, ...sets.flatMap((set) => ["--set", set])]);
    const result = JSON.parse(stdout);
    expect({ exitCode, gaps: result.gaps, violations: result.violations }).toEqual({
      exitCode: 0,
      gaps: [],
      violations: [],
    });
    expect(result.host.vcpus).toBe(2);
    expect(result.workload.facts).toMatchObject({
      notUnderstood: 1,
      notUnderstoodFirst: [expect.stringContaining("not the form of a trace line: nonsense")],
      other: { sched_migrate_task: 20 },
      cpuMapping: { 1: 0, 5: 1, 7: 2 },
      migrationsCaptured: 18,
      migrationsReplayedPerRepetition: 18,
    });
    expect(result.operations).toMatchObject({
      // 60 in the capture: four are part of a setup, and eight more follow the VMCLEARs that the repetitions' VMLAUNCHes need.
      vmptrld: { count: 64 },
      vmclear: { count: 8 },
      vmwrite: { count: 60 },
      vmread: { count: 60 },
      exitL2ToL1: { count: 60 },
    });
    expect(result.clears.crossCpu).toBeGreaterThan(0);
  });

  it("a threshold that is not met is exit code 3", async () => {
    const set = 'thresholds={operations.vmresume.latencyUs.max: "< 1us"}';
    const args = [
      "run",
      "experiments/kvm-capture.yaml",
      "-q",
      "--runs-dir",
      runs,
      "--cpus",
      "1",
      "--set",
      "workload.repeat=2",
      "--set",
      set,
    ];
    const { exitCode, stdout } = await vmcslab(args);
    expect(exitCode).toBe(3);
    expect(stdout).toContain("threshold operations.vmresume.latencyUs.max < 1us: NOT MET");
  });

  it("without the NATS server it was given it is exit code 69", async () => {
    const args = ["run", "experiments/kvm-capture.yaml", "-q", "--runs-dir", runs, "--nats", "nats://127.0.0.1:1"];
    const { exitCode, stderr } = await vmcslab(args);
    expect(exitCode).toBe(69);
    expect(stderr).toMatch(/^vmcslab: NATS at nats:\/\/127\.0\.0\.1:1 cannot be reached/);
  });
});

describe("ending a run leaves no process", () => {
  const LONG = ["run", "experiments/round-robin.yaml", "--runs-dir", "", "--set", "workload.roundRobin.duration=5min"];

  async function startLong(): Promise<{ child: ChildProcess; services: number[] }> {
    const child = startVmcslab(LONG.map((arg) => (arg === "" ? runs : arg)));
    const { pid } = child;
    if (pid === undefined) throw new Error("it did not start");
    // Four CPUs, L0 and trace; the run writes its first line of progress once they work.
    expect(await eventually(() => childrenOf(pid).length === 6, 30_000)).toBe(true);
    await new Promise((resolve) =>
      child.stderr?.on("data", (chunk) => /running: [1-9]/.test(String(chunk)) && resolve(undefined)),
    );
    return { child, services: childrenOf(pid) };
  }

  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("%s: the folder is written, exit code %i", async (signal, exitCode) => {
    const { child, services } = await startLong();
    let stdout = "";
    child.stdout?.on("data", (chunk) => {
      stdout += chunk;
    });
    child.kill(signal);
    expect(await once(child, "close")).toEqual([exitCode, null]);
    expect(services.filter(isRunning)).toEqual([]);
    expect(stdout).toContain(`ended early by ${signal}`);
    const result = JSON.parse(readFileSync(join(runs, "round-robin/latest/result.json"), "utf8"));
    expect(result).toMatchObject({ interrupted: signal, verdict: "unknown", violations: [] });
  });

  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("%s while the host is starting: taken down, exit code %i", async (signal, exitCode) => {
    const folder = join(runs, `starting-${signal}`);
    const child = startVmcslab(["run", "experiments/round-robin.yaml", "--runs-dir", folder]);
    const { pid = 0 } = child;
    expect(await eventually(() => childrenOf(pid).length > 0, 30_000)).toBe(true);
    const services = childrenOf(pid);
    child.kill(signal);
    expect(await once(child, "close")).toEqual([exitCode, null]);
    expect(services.filter(isRunning)).toEqual([]);
    expect(readdirSync(join(folder, "round-robin"))).toEqual([]);
  });

  it("SIGKILL of the command", async () => {
    const { child, services } = await startLong();
    child.kill("SIGKILL");
    expect(await eventually(() => services.filter(isRunning).length === 0, 10_000)).toBe(true);
  });

  it("a second SIGINT ends at once", async () => {
    const { child, services } = await startLong();
    child.kill("SIGINT");
    child.kill("SIGINT");
    expect((await once(child, "close"))[0]).toBe(130);
    expect(await eventually(() => services.filter(isRunning).length === 0, 10_000)).toBe(true);
  });

  it("the end of a CPU is part of the result: unknown, exit code 2", async () => {
    const { child, services } = await startLong();
    const [, , , cpu] = services;
    if (cpu !== undefined) process.kill(cpu, "SIGKILL");
    expect((await once(child, "close"))[0]).toBe(2);
    expect(services.filter(isRunning)).toEqual([]);
  });
});
