import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CLEAR_PHASES, ClearFollower } from "@vmcslab/history";
import {
  checkHealth,
  cpuWire,
  flushEvents,
  historyFiles,
  L0Client,
  readHistory,
  systemClock,
  TraceClient,
  UnaryCaller,
} from "@vmcslab/runtime";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type RunningCpu, startCpu } from "../../services/cpu/src/index.js";
import { type RunningL0, startL0 } from "../../services/l0/src/index.js";
import { type RunningTrace, startTrace } from "../../services/trace/src/index.js";

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const { CpuServiceService: Cpu, OutcomeStatus } = cpuWire;

/** VMXON, then a vmcs12 at this address is current; what a nested entry needs beyond that is not set up. */
const VMXON = 0x1000n;
const VMCS12_REVISION = 0x11e57ed0;

interface Host {
  readonly trace: RunningTrace;
  readonly l0: RunningL0;
  readonly cpus: RunningCpu[];
  readonly client: L0Client;
}

let directory: string;
let host: Host;
const stops: (() => unknown)[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "vmcslab-services-"));
  host = await startHost(2);
});

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
  await rm(directory, { recursive: true });
});

async function startHost(cpuCount: number): Promise<Host> {
  const trace = await startTrace({ directory, logger: silent });
  stops.push(() => trace.stop());
  const bus = { traceAddress: trace.address };
  const l0 = await startL0({ bus, logger: silent });
  stops.push(() => l0.stop());
  const cpus: RunningCpu[] = [];
  for (let cpu = 0; cpu < cpuCount; cpu++) cpus.push(await addCpu(cpu, l0, trace));
  const client = new L0Client(l0.address);
  stops.push(() => client.close());
  for (const cpu of cpus) await until(async () => (await checkHealth(cpu.address)) === "SERVING");
  return { trace, l0, cpus, client };
}

async function addCpu(cpu: number, l0: RunningL0, trace: RunningTrace): Promise<RunningCpu> {
  const bus = { traceAddress: trace.address };
  const running = await startCpu({ cpu, l0Address: l0.address, bus, logger: silent });
  stops.push(() => running.stop());
  return running;
}

async function until(condition: () => Promise<boolean>, timeoutMs = 5000): Promise<void> {
  const end = systemClock.monoNs() + timeoutMs * 1e6;
  while (!(await condition())) {
    if (systemClock.monoNs() > end) throw new Error(`not within ${timeoutMs} ms`);
    await systemClock.sleep(20);
  }
}

async function flushAll(): Promise<TraceClient> {
  for (const address of [host.l0.address, ...host.cpus.map((cpu) => cpu.address)]) {
    const position = await flushEvents(address);
    expect(position).toMatchObject({ ok: true, value: { complete: true, dropped: 0 } });
  }
  const trace = new TraceClient(host.trace.address);
  stops.push(() => trace.close());
  expect((await trace.flush()).ok).toBe(true);
  return trace;
}

async function createVcpu(cpu: number): Promise<number> {
  const created = await host.client.createVcpu({ cpu });
  if (!created.ok) throw new Error(created.error.message);
  return created.value;
}

describe("a host of services on loopback", () => {
  test("CPUs register and are online", async () => {
    const cpus = await host.client.listCpus();
    expect(cpus).toMatchObject({
      ok: true,
      value: [
        { cpu: 0, state: "online", address: host.cpus[0]?.address },
        { cpu: 1, state: "online", address: host.cpus[1]?.address },
      ],
    });
  });

  test("a vcpu that moves is cleared on the CPU it leaves", async () => {
    const vcpu = await createVcpu(0);
    const before = await host.client.nestedState(vcpu);
    expect(before).toMatchObject({ ok: true, value: { cpu: 0, vmcs01: { cpu: 0, launched: true } } });
    expect(await host.client.placeVcpu(vcpu, 1)).toEqual({ ok: true, value: undefined });
    const after = await host.client.nestedState(vcpu);
    expect(after).toMatchObject({ ok: true, value: { cpu: 1, vmcs01: { cpu: 1, launched: true } } });
    expect(await host.client.host()).toMatchObject({
      ok: true,
      value: { poolSize: 1, counters: { clearsCrossCpu: 1, migrations: 1 } },
    });
    expect(await textOf(0)).toBe("current:none active:[]");
    expect(await textOf(1)).toMatch(/^current:(0x[0-9a-f]+) active:\[\1 launched\]$/);
  });

  test("L1's instructions answer as values, errors included", async () => {
    const vcpu = await createVcpu(0);
    const answer = await host.client.runL1(vcpu, [
      { op: "vmptrst" },
      { op: "write32", addr: VMXON, value: VMCS12_REVISION },
      { op: "vmxon", addr: VMXON },
      { op: "vmptrst" },
      { op: "vmptrld", addr: VMXON + 1n },
      { op: "vmxon", addr: VMXON, user: true },
      { op: "vmxoff" },
    ]);
    expect(answer).toEqual({
      ok: true,
      value: [
        { status: "exception", vector: 6 },
        { status: "succeed" },
        { status: "succeed" },
        { status: "succeed", value: 0xffff_ffff_ffff_ffffn },
        { status: "failInvalid" },
        { status: "exception", vector: 13 },
        { status: "succeed" },
      ],
    });
  });

  test("an operation that cannot happen is a definite error with L0's own code", async () => {
    expect(await host.client.createVcpu({ cpu: 7 })).toMatchObject({
      ok: false,
      error: { code: "notFound", definite: true, message: "no CPU 7: online are 0, 1" },
    });
    expect(await host.client.nestedState(3)).toMatchObject({ ok: false, error: { code: "notFound", definite: true } });
    expect(await host.client.runL1(0, [])).toMatchObject({
      ok: false,
      error: { code: "invalidArgument", definite: true, message: "0 instructions: 1 to 4096 at a time" },
    });
  });

  test("every event of every source is stored, and counted", async () => {
    const vcpu = await createVcpu(0);
    await host.client.placeVcpu(vcpu, 1);
    await host.client.destroyVcpu(vcpu);
    const trace = await flushAll();
    const counts = await trace.counts();
    if (!counts.ok) throw new Error(counts.error.message);
    for (const source of counts.value.sources) {
      expect(source).toMatchObject({ lost: 0, duplicates: 0, stored: source.published });
    }
    expect(counts.value.sources.map(({ source }) => source).sort()).toEqual(["cpu0", "cpu1", "l0"]);
    expect(Object.fromEntries(counts.value.kinds)).toMatchObject({
      "vcpu.created": 1,
      "vcpu.placed": 1,
      "vcpu.destroyed": 1,
      "ipi.sent": 1,
      "ipi.acked": 1,
    });
    const stored = [];
    for (const file of await historyFiles(directory)) {
      for await (const event of readHistory(file)) stored.push(event);
    }
    const clear = stored.find(
      (event) => event.kind === "vmcs.clear" && event.source === "cpu0" && event.active === true,
    );
    const sent = stored.find((event) => event.kind === "ipi.sent");
    const acked = stored.find((event) => event.kind === "ipi.acked");
    // Lamport's order holds across the three processes: the request, the flush, its acknowledgement.
    expect(sent?.lamport).toBeLessThan(clear?.lamport ?? 0);
    expect(clear?.lamport).toBeLessThan(acked?.lamport ?? 0);
    // It was timed on both sides, and its phases are the whole.
    const follower = new ClearFollower();
    const [timed] = stored.filter(({ source }) => source === "l0").flatMap((event) => follower.observe(event) ?? []);
    expect(timed).toMatchObject({ from: 1, to: 0, oneClock: process.platform === "linux" });
    const phases = CLEAR_PHASES.map((phase) => timed?.phasesNs?.[phase] ?? Number.NaN);
    expect(Math.min(...phases)).toBeGreaterThanOrEqual(0);
    expect(phases.reduce((sum, ns) => sum + ns, 0)).toBe((acked?.monoNs ?? 0) - (sent?.monoNs ?? 0));
  });

  test("a CPU that is stopped hands over its VMCSs; started again it registers, and is usable", async () => {
    const vcpu = await createVcpu(1);
    const last = host.cpus.pop();
    await last?.stop();
    host.cpus.push(await addCpu(1, host.l0, host.trace));
    await until(async () => {
      const cpus = await host.client.listCpus();
      return cpus.ok && cpus.value[1]?.state === "online" && cpus.value[1].address === host.cpus[1]?.address;
    });
    expect(await host.client.nestedState(vcpu)).toMatchObject({
      ok: true,
      value: { vmcs01: { cpu: -1, launched: false } },
    });
    expect(await host.client.placeVcpu(vcpu, 0)).toEqual({ ok: true, value: undefined });
  });

  test("an L0 that restarts finds every CPU reset and usable", async () => {
    await createVcpu(0);
    await host.l0.stop();
    host.client.close();
    const l0 = await startL0({ listen: host.l0.address, bus: { traceAddress: host.trace.address }, logger: silent });
    stops.push(() => l0.stop());
    const client = new L0Client(l0.address);
    stops.push(() => client.close());
    await until(async () => {
      const cpus = await client.listCpus();
      return cpus.ok && cpus.value.length === 2 && cpus.value.every((cpu) => cpu.state === "online");
    });
    expect(await textOf(0)).toBe("current:none active:[]");
    expect(await client.createVcpu({ cpu: 0 })).toMatchObject({ ok: true });
  });
});

async function textOf(cpu: number): Promise<string> {
  const caller = new UnaryCaller(host.cpus[cpu]?.address ?? "");
  const state = await caller.call(Cpu.getState, {}, ({ text }) => text);
  caller.close();
  if (!state.ok) throw new Error(state.error.message);
  return state.value;
}

describe("one CPU, for people", () => {
  test("executes instructions one by one; failure is a response", async () => {
    const cpu = await startCpu({ cpu: 9, logger: silent });
    stops.push(() => cpu.stop());
    await until(async () => (await checkHealth(cpu.address)) === "SERVING");
    const caller = new UnaryCaller(cpu.address);
    stops.push(() => caller.close());
    const mode = cpuWire.ProcessorMode.UNSPECIFIED;
    const outside = await caller.call(Cpu.vmptrst, { mode }, ({ outcome }) => outcome);
    expect(outside).toMatchObject({ ok: true, value: { status: OutcomeStatus.EXCEPTION, vector: 6 } });
    const state = await caller.call(Cpu.getState, {}, ({ model, revision }) => ({ model, revision }));
    if (!state.ok) throw new Error(state.error.message);
    expect(state.value.model).toBe("corei7_sandy_bridge_2600k");
    for (const address of [0x1000n, 0x2000n]) {
      await caller.call(Cpu.writeMemory, { address, dwords: [state.value.revision] }, () => undefined);
    }
    const on = await caller.call(Cpu.vmxon, { address: 0x1000n, mode }, ({ outcome }) => outcome?.status);
    expect(on).toEqual({ ok: true, value: OutcomeStatus.SUCCEED });
    await caller.call(Cpu.vmclear, { address: 0x2000n, mode }, () => undefined);
    await caller.call(Cpu.vmptrld, { address: 0x2000n, mode }, () => undefined);
    const text = await caller.call(Cpu.getState, {}, (reply) => reply.text);
    expect(text).toEqual({ ok: true, value: "current:0x2000 active:[0x2000 clear]" });
    const read = await caller.call(Cpu.vmread, { field: 0x4400n, mode }, ({ value }) => value);
    expect(read).toEqual({ ok: true, value: 0n });
    const resume = await caller.call(Cpu.vmresume, { mode, movSs: false }, ({ outcome }) => outcome);
    expect(resume).toMatchObject({ ok: true, value: { status: OutcomeStatus.FAIL_VALID, error: 5 } });
    const exit = await caller.call(Cpu.vmExit, { reason: 18, qualification: 0n }, () => undefined);
    expect(exit).toMatchObject({ ok: false, error: { code: "failedPrecondition", definite: true } });
  });
});
