import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { compareEvents, type HistoryEvent, Sanitizer } from "@vmcslab/history";
import { describe, expect, it } from "vitest";
import { testHost, workloadContext } from "../../test-support/test-host.js";
import type { Host } from "../host.js";
import { replayWorkload } from "../replay/replay-workload.js";
import { roundRobinWorkload } from "./round-robin.js";

const XEON = fileURLToPath(
  new URL("../../../../experiments/captures/xeon6348-nested-windows.perf.txt", import.meta.url),
);
const ROUND_ROBIN = {
  l2Guests: 3,
  entriesPerTurn: 2,
  entries: 400,
  load: "closed" as const,
  migrations: "every 3 entries",
  exitReasons: ["CPUID", "HLT", "EPT_MISCONFIG"],
};
const REPLAY = { kvmTrace: XEON, timing: "asap", repeat: 1, placement: "capture" } as const;

function violationsOf(history: readonly HistoryEvent[]): string[] {
  const sanitizer = new Sanitizer();
  for (const event of history.toSorted(compareEvents)) sanitizer.observe(event);
  return sanitizer.finish({ complete: true }).violations.map(({ message }) => message);
}

describe("round-robin", () => {
  it.each([
    [1, 1],
    [4, 1],
    [4, 2],
    [4, 3],
  ])("leaves nothing behind and breaks nothing (cpus=%i, pool=%i)", async (cpus, poolSize) => {
    const { host, history } = testHost({ cpus, poolSize });
    const context = workloadContext(host, cpus);
    const { facts } = await roundRobinWorkload({ roundRobin: ROUND_ROBIN }, 3, 7).run(context);
    expect(context.host.findings).toMatchObject({ violations: [], failures: [] });
    expect(facts).toEqual({ entries: 400, migrations: cpus === 1 ? 0 : 133 });
    expect(violationsOf(history)).toEqual([]);
  });

  it("is the same for the same seed, and another for another", async () => {
    const digest = async (seed: number) => {
      const { host, history } = testHost({ cpus: 4, poolSize: 2 });
      await roundRobinWorkload({ roundRobin: ROUND_ROBIN }, 1, seed).run(workloadContext(host, 4));
      return JSON.stringify(history.map(({ kind, cpu, reason, digest: contents }) => [kind, cpu, reason, contents]));
    };
    const first = await digest(7);
    expect(await digest(7)).toBe(first);
    expect(await digest(8)).not.toBe(first);
  });

  it("sees a lost update: what L1 reads is not what L2 left", async () => {
    const { host } = testHost({ cpus: 2, poolSize: 1 });
    const context = workloadContext(forgetful(host), 2);
    await roundRobinWorkload({ roundRobin: ROUND_ROBIN }, 1, 7).run(context);
    const [violation] = context.host.findings.violations;
    expect(violation).toMatchObject({ invariant: 4, check: "lostUpdate" });
    expect(violation?.message).toMatch(
      /^vcpu 0 on CPU \d, vmcs12 0x10\d000: L1 reads 0x0 from field 0x681e, L2 left with 0x[0-9a-f]+$/,
    );
  });

  it("says under a name of its own that L1 saw what it must not see: no invariant is named", async () => {
    const { host } = testHost({ cpus: 2, poolSize: 1 });
    const context = workloadContext(refusing(host), 2);
    await roundRobinWorkload({ roundRobin: ROUND_ROBIN }, 1, 7).run(context);
    const message = "vcpu 0: vmlaunch of vmcs12 0x100000 ended with failValid, error 7";
    expect(context.host.findings).toMatchObject({ violations: [{ check: "l1Outcome", message }], gaps: [] });
    expect(context.host.findings.violations[0]).not.toHaveProperty("invariant");
  });

  it("goes on with the others when an operation of one vcpu fails, and says which", async () => {
    const { host } = testHost({ cpus: 2, poolSize: 1 });
    const context = workloadContext(failing(host, 1), 2);
    await roundRobinWorkload({ roundRobin: ROUND_ROBIN }, 3, 7).run(context);
    expect(context.host.findings).toMatchObject({ violations: [], failureCount: 1 });
    expect(context.host.findings.failures[0]).toMatchObject({
      operation: "place",
      vcpu: 1,
      code: "deadline",
      definite: false,
    });
    expect(await host.listVcpus()).toEqual({ ok: true, value: [] });
  });
});

describe("a replay", () => {
  it("of the capture of kernel bug 220549 as it is: no migration, every inference said", async () => {
    const { host, history } = testHost({ cpus: 4, poolSize: 1 });
    const context = workloadContext(host, 4);
    const { facts } = await (await replayWorkload(REPLAY, 4)).run(context);
    expect(context.host.findings).toMatchObject({ violations: [], failures: [] });
    expect(facts).toMatchObject({ migrationsCaptured: 0, migrationsAddedBetweenRepetitions: 0 });
    expect(Object.entries(context.latencies.summary()).map(([name, { count }]) => [name, count])).toEqual([
      ["create", 1],
      ["destroy", 1],
      ["vmxon", 1],
      ["vmxoff", 1],
      ["vmlaunch", 1],
      ["vmresume", 1],
      ["setup", 1],
      ["inspect", 2],
      ["exitL1", 1],
      ["exitL2", 1],
      ["exitL2ToL1", 2],
    ]);
    expect(history.filter(({ kind }) => kind === "ipi.sent")).toEqual([]);
    expect(violationsOf(history)).toEqual([]);
  });

  it("that cannot go on is no violation, but says at which line", async () => {
    const { host } = testHost({ cpus: 4, poolSize: 1 });
    const context = workloadContext(refusing(host), 4);
    await (await replayWorkload(REPLAY, 4)).run(context);
    expect(context.host.findings).toMatchObject({ violations: [], failures: [] });
    expect(context.host.findings.gaps).toEqual([
      "the replay of vcpu 0 (thread 699876) cannot go on at line 12 of the capture: vcpu 0: vmlaunch of vmcs12 0x100000 ended with failValid, error 7",
    ]);
  });

  it("rotated: one move per repetition, counted as the experiment's (cpus=4, repeat=8)", async () => {
    const { host, history } = testHost({ cpus: 4, poolSize: 1 });
    const context = workloadContext(host, 4);
    const { facts } = await (await replayWorkload({ ...REPLAY, repeat: 8, placement: "rotate" }, 4)).run(context);
    expect(facts).toMatchObject({ migrationsCaptured: 0, migrationsAddedBetweenRepetitions: 7 });
    expect(history.filter(({ kind }) => kind === "vcpu.placed").map(({ to }) => to)).toEqual([1, 2, 3, 0, 1, 2, 3]);
    expect(history.filter(({ kind }) => kind === "ipi.acked").length).toBeGreaterThan(0);
    expect(violationsOf(history)).toEqual([]);
  });

  it.each([
    ["kept", [20, 30]],
    ["asap", []],
  ] as const)("timing %s: waits %j ms", async (timing, waitsMs) => {
    const folder = mkdtempSync(join(tmpdir(), "vmcslab-replay-"));
    const kvmTrace = join(folder, "capture.txt");
    const at = [1.0, 1.02, 1.02, 1.05];
    writeFileSync(
      kvmTrace,
      at.map((time) => `a-1 [0] ${time.toFixed(6)}: kvm_exit: vcpu 0 reason HLT rip 0x1`).join("\n"),
    );
    const waited: number[] = [];
    const context = workloadContext(testHost({ cpus: 1, poolSize: 1 }).host, 1);
    const sleep = async (delayMs: number) => {
      waited.push(Math.round(delayMs));
      await context.sleep(delayMs, context.signal);
    };
    await (await replayWorkload({ ...REPLAY, kvmTrace, timing }, 1)).run({ ...context, sleep });
    rmSync(folder, { recursive: true });
    expect(waited).toEqual(waitsMs);
  });
});

/** Every VMREAD answers zero. */
function forgetful(host: Host): Host {
  return {
    ...host,
    runL1: async (vcpu, instructions) => {
      const answer = await host.runL1(vcpu, instructions);
      if (!answer.ok) return answer;
      return {
        ok: true,
        value: answer.value.map((outcome) => (outcome.value === undefined ? outcome : { ...outcome, value: 0n })),
      };
    },
  };
}

/** Every VMLAUNCH of L1 fails. */
function refusing(host: Host): Host {
  return {
    ...host,
    runL1: async (vcpu, instructions) => {
      if (instructions.at(-1)?.op !== "vmlaunch") return await host.runL1(vcpu, instructions);
      const answer = await host.runL1(vcpu, instructions.slice(0, -1));
      return answer.ok ? { ok: true, value: [...answer.value, { status: "failValid", error: 7 }] } : answer;
    },
  };
}

/** Placing this vcpu does not succeed. */
function failing(host: Host, vcpu: number): Host {
  const error = { code: "deadline", definite: false, message: "no completion" } as const;
  return {
    ...host,
    placeVcpu: async (placed, cpu) => (placed === vcpu ? { ok: false, error } : await host.placeVcpu(placed, cpu)),
  };
}
