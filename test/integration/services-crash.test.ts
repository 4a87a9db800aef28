import { type ChildProcess, fork } from "node:child_process";
import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { L0Client, systemClock } from "@vmcslab/runtime";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type RunningL0, startL0 } from "../../services/l0/src/index.js";

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

// A process of its own runs the built service, as all tests that start processes do.
const CPU_SERVICE = new URL("../../services/cpu/dist/index.js", import.meta.url).href;
const PROGRAM = `
  import { startCpu } from ${JSON.stringify(CPU_SERVICE)};
  const [cpu, l0Address] = process.argv.slice(2);
  await startCpu({ cpu: Number(cpu), l0Address });
  process.once("disconnect", () => process.exit(0));
`;

const stops: (() => unknown)[] = [];
let program: string;
let l0: RunningL0;
let client: L0Client;
let cpus: ChildProcess[];

beforeEach(async () => {
  const directory = await mkdtemp(join(tmpdir(), "vmcslab-crash-"));
  stops.push(() => rm(directory, { recursive: true }));
  program = join(directory, "cpu.mjs");
  writeFileSync(program, PROGRAM);
  l0 = await startL0({ logger: silent });
  stops.push(() => l0.stop());
  client = new L0Client(l0.address);
  stops.push(() => client.close());
  cpus = [0, 1].map(startCpuProcess);
  await online(2);
});

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

function startCpuProcess(cpu: number): ChildProcess {
  const child = fork(program, [String(cpu), l0.address], {
    env: { ...process.env, VMCSLAB_LOG_LEVEL: "silent" },
    execArgv: [],
  });
  stops.push(() => child.kill("SIGKILL"));
  return child;
}

async function online(count: number): Promise<void> {
  const endNs = systemClock.monoNs() + 15e9;
  for (;;) {
    const answer = await client.listCpus();
    if (answer.ok && answer.value.filter((cpu) => cpu.state === "online").length === count) return;
    if (systemClock.monoNs() > endNs) throw new Error(`not ${count} CPUs within 15 s: ${JSON.stringify(answer)}`);
    await systemClock.sleep(20);
  }
}

async function cpuState(cpu: number, state: string): Promise<void> {
  const endNs = systemClock.monoNs() + 15e9;
  for (;;) {
    const answer = await client.listCpus();
    if (answer.ok && answer.value.some((known) => known.cpu === cpu && known.state === state)) return;
    if (systemClock.monoNs() > endNs) throw new Error(`CPU ${cpu} not ${state} within 15 s: ${JSON.stringify(answer)}`);
    await systemClock.sleep(50);
  }
}

async function vcpuOn(cpu: number): Promise<number> {
  const created = await client.createVcpu({ cpu });
  if (!created.ok) throw new Error(created.error.message);
  return created.value;
}

describe("a CPU process", () => {
  test("that stands still makes a cross-CPU clear indefinite; other vcpus go on meanwhile", async () => {
    const stuck = await vcpuOn(1);
    const other = await vcpuOn(0);
    cpus[1]?.kill("SIGSTOP");
    const placing = client.placeVcpu(stuck, 0);
    await systemClock.sleep(100);
    expect(await client.listVcpus()).toMatchObject({ ok: true, value: [{ vcpu: stuck }, { vcpu: other }] });
    expect(await placing).toMatchObject({ ok: false, error: { code: "deadline", definite: false } });
    expect(await client.runL1(other, [{ op: "vmptrst" }])).toMatchObject({ ok: true });
    cpus[1]?.kill("SIGCONT");
    await online(2);
    // The same clear again gets what CPU 1 flushed, and the vcpu goes where it was sent.
    expect(await client.placeVcpu(stuck, 0)).toMatchObject({ ok: true });
    expect(await client.nestedState(stuck)).toMatchObject({ ok: true, value: { vmcs01: { cpu: 0, launched: true } } });
  });

  test("that stands still while its own vcpu runs: the vcpu goes on where it was when the CPU does", async () => {
    const vcpu = await vcpuOn(1);
    cpus[1]?.kill("SIGSTOP");
    expect(await client.runL1(vcpu, [{ op: "vmptrst" }])).toMatchObject({ ok: false, error: { code: "deadline" } });
    expect(await client.runL1(vcpu, [{ op: "vmptrst" }])).toMatchObject({ ok: false, error: { code: "deadline" } });
    cpus[1]?.kill("SIGCONT");
    await online(2);
    // #UD: this L1 is not in VMX operation.
    const answer = await client.runL1(vcpu, [{ op: "vmptrst" }]);
    expect(answer).toMatchObject({ ok: true, value: [{ status: "exception", vector: 6 }] });
  });

  test("that is killed and started again is another incarnation: what waited for it ends, and it is usable", async () => {
    const vcpu = await vcpuOn(1);
    cpus[1]?.kill("SIGKILL");
    const placing = client.placeVcpu(vcpu, 0);
    cpus[1] = startCpuProcess(1);
    expect((await placing).ok).toBe(false);
    await online(2);
    expect(await client.nestedState(vcpu)).toMatchObject({ ok: true, value: { vmcs01: { cpu: -1, launched: false } } });
    expect(await client.createVcpu({ cpu: 1 })).toMatchObject({ ok: true });
  });

  test("that is killed and stays away is lost within seconds: its vcpu is rebuilt elsewhere, or destroyed", async () => {
    const moving = await vcpuOn(1);
    const leaving = await vcpuOn(1);
    cpus[1]?.kill("SIGKILL");
    await cpuState(1, "lost");
    expect(await client.createVcpu({ cpu: 1 })).toMatchObject({
      ok: false,
      error: { code: "cpuUnavailable", definite: true },
    });
    expect(await client.listVcpus()).toMatchObject({ ok: true, value: [{ vcpu: moving }, { vcpu: leaving }] });
    expect(await client.placeVcpu(moving, 0)).toMatchObject({ ok: true });
    expect(await client.runL1(moving, [{ op: "vmptrst" }])).toMatchObject({ ok: true });
    expect(await client.destroyVcpu(leaving)).toMatchObject({ ok: true });
  });

  test("whose number another process asks for stays, and the other is refused while it lives", async () => {
    const vcpu = await vcpuOn(1);
    const known = await client.listCpus();
    const address = known.ok ? (known.value[1]?.address ?? "") : "";
    const forged = await client.registerCpu(
      { cpu: 1, incarnation: 5, address, model: "corei7_sandy_bridge_2600k" },
      1000,
    );
    expect(forged).toMatchObject({ ok: false, error: { code: "failedPrecondition" } });
    const twin = startCpuProcess(1);
    await systemClock.sleep(1500);
    twin.kill("SIGKILL");
    await online(2);
    expect(await client.runL1(vcpu, [{ op: "vmptrst" }])).toMatchObject({ ok: true });
  });
});
