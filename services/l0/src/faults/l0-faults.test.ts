import type { Fault, FaultVictims } from "@vmcslab/faults";
import type { EventFact } from "@vmcslab/history";
import { Hypervisor } from "@vmcslab/nested";
import {
  type CpuInfo,
  type CpuState,
  Credentials,
  Driver,
  FaultHub,
  faultService,
  MemorySink,
  OperationRefused,
  requireCpuModel,
  SkewedClock,
  serve,
  systemClock,
  UnaryHandlers,
} from "@vmcslab/runtime";
import { ManualClock } from "@vmcslab/runtime/manual-clock";
import { DEFAULT_CPU_MODEL } from "@vmcslab/vmx";
import { afterEach, describe, expect, test } from "vitest";
import { CpuFaultsAtL0 } from "./cpu-faults.js";
import { L0Faults } from "./l0-faults.js";
import { Partitions } from "./partitions.js";

const logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** The FaultService of one CPU, as L0 reaches it. `refusal`: why it refuses everything. */
async function cpuServing(cpu: number, clock: ManualClock, refusal?: string) {
  const done: string[] = [];
  const doing = (what: string) => (): (() => void) => {
    done.push(what);
    return () => void done.push(`${what} ended`);
  };
  const victims: FaultVictims = {
    ...{ stall: doing("stall"), partition: doing("partition"), crash: doing("crash"), crashL0: doing("crashL0") },
    ...{ stopBus: doing("stopBus"), skew: doing("skew"), refuseAllocation: doing("refuseAllocation") },
    ...{ offline: doing("offline"), online: doing("online") },
  };
  const facts: EventFact[] = [];
  const emit = (fact: EventFact) => void facts.push(fact);
  const where = `cpu${cpu}`;
  const hub = new FaultHub({ where, clock, refusal: () => refusal, victims: () => victims, emit });
  const server = await serve({
    ...{ listen: "127.0.0.1:0", clock: systemClock, drained: () => Promise.resolve() },
    services: [faultService(hub, new UnaryHandlers(logger))],
  });
  cleanups.push(() => server.stop());
  return { hub, done, facts, address: server.address };
}

/** L0 with CPU 0, which does as it is told, CPU 1, which refuses, and CPU 2, where nobody listens. */
async function host() {
  const clock = new ManualClock();
  const cpu0 = await cpuServing(0, clock);
  const cpu1 = await cpuServing(1, clock, "no init process");
  const states = new Map<number, CpuState>();
  const info = (cpu: number, address: string): CpuInfo => ({
    ...{ cpu, address, incarnation: 1, model: DEFAULT_CPU_MODEL, heartbeatAgeMs: 0 },
    state: states.get(cpu) ?? "online",
  });
  const list = () => [info(0, cpu0.address), info(1, cpu1.address), info(2, "127.0.0.1:1")];
  const facts: EventFact[] = [];
  const emit = (fact: EventFact) => void facts.push(fact);
  const driver = new Driver();
  const model = requireCpuModel(DEFAULT_CPU_MODEL);
  const hypervisor = new Hypervisor(
    { poolSize: 1, memoryPages: 16, l1MemoryBytes: 4096, model },
    { emit, begin: (operation) => void driver.run(operation) },
  );
  const partitions = new Partitions();
  const skewed = new SkewedClock(clock);
  const sink = new MemorySink();
  const cpus = new CpuFaultsAtL0(list, Credentials.none);
  const faults = new L0Faults({ hypervisor, driver, partitions, skewed, clock, sink, emit, cpus });
  const inject = (fault: Fault) => faults.inject({ fault, seed: "1" }, false);
  return { clock, cpu0, cpu1, states, facts, hypervisor, partitions, skewed, sink, faults, inject };
}

const skew = (cpu: number, more: Partial<Fault> = {}): Fault => ({
  ...more,
  match: undefined,
  action: { kind: "clockSkew", clock: cpu, ppm: 100, offsetNs: 0 },
});

describe("L0 refuses, with the reason", () => {
  test.each<[Fault, string]>([
    [{ action: { kind: "stall", cpu: 7 } }, "no CPU 7 has registered with L0"],
    [skew(7), "no CPU 7 has registered with L0"],
    [{ action: { kind: "partition", cpu: "any" } }, "a fault of any CPU is drawn by whoever injects it: name one"],
    [
      { on: { event: "lease.expired" }, action: { kind: "stopBus" } },
      "lease.expired is stated by CPUs, and L0 does not see it in time: begin at a time, or at an event of L0",
    ],
  ])("%j", async (fault, reason) => {
    const { faults, inject } = await host();
    await expect(inject(fault)).rejects.toThrow(OperationRefused);
    await expect(inject(fault)).rejects.toThrow(reason);
    expect(await faults.list(true)).toEqual([]);
  });

  test("what the CPU refuses, in the CPU's words, and nothing is held", async () => {
    const { faults, cpu1, inject } = await host();
    await expect(inject({ name: "s", action: { kind: "stall", cpu: 1 } })).rejects.toThrow("no init process");
    expect(await faults.list(false)).toEqual([]);
    expect(cpu1.done).toEqual([]);
  });

  test("a refusal by one CPU of what is done to all takes it back from the others", async () => {
    const { faults, cpu0, sink, inject } = await host();
    await expect(inject({ name: "quiet", action: { kind: "stopBus" } })).rejects.toThrow("no init process");
    expect(sink.connected).toBe(true);
    await expect.poll(() => cpu0.done).toEqual(["stopBus", "stopBus ended"]);
    expect(await faults.list(false)).toEqual([]);
  });

  test("a CPU's other fault of that name goes on when it refuses ours", async () => {
    const { faults, cpu0, inject } = await host();
    cpu0.hub.inject({ fault: { name: "theirs", forNs: 60e9, action: { kind: "stopBus" } }, seed: "1" }, false);
    await expect(inject(skew(0, { name: "theirs" }))).rejects.toThrow('another fault is called "theirs"');
    await systemClock.sleep(100);
    expect(cpu0.done).toEqual(["stopBus"]);
    expect(await faults.list(false)).toMatchObject([{ name: "theirs", where: "cpu0", kind: "stopBus" }]);
  });

  test("when the fault begins only later, a refusal by the CPU is a note", async () => {
    const { clock, faults, inject } = await host();
    await inject(skew(1, { name: "later", at: 1e9 }));
    clock.advance(1000);
    await expect
      .poll(() => faults.hub.list(true))
      .toMatchObject([{ name: "later", notes: ["CPU 1 refuses: no init process"] }]);
  });
});

describe("what L0 hands on to a CPU", () => {
  test("is stated once, and listed once", async () => {
    const { facts, faults, cpu0, inject } = await host();
    await inject(skew(0, { name: "fast", forNs: 5e9 }));
    expect(cpu0.done).toEqual(["skew"]);
    expect(cpu0.facts).toEqual([]);
    expect(facts).toMatchObject([{ kind: "fault.injected", cause: "fast" }]);
    expect(await faults.list(false)).toMatchObject([{ name: "fast", where: "l0" }]);
  });

  test.each<[string, Fault]>([
    ["stopBus", { action: { kind: "stopBus" } }],
    ["clockSkew", skew(0)],
    ["crash", { action: { kind: "crash", cpu: 0, when: "afterFlush" } }],
    ["stall", { action: { kind: "stall", cpu: 0 } }],
  ])("has the lease that it has here, so that it ends also when L0 is gone: %s", async (_kind, fault) => {
    const { cpu0, states, inject } = await host();
    for (const cpu of [1, 2]) states.set(cpu, "lost");
    await inject({ ...fault, name: "leased", forNs: 7e9 });
    expect(cpu0.hub.list()).toMatchObject([{ name: "leased", remainingMs: 7000 }]);
  });

  test("is renewed there when it is renewed here", async () => {
    const { clock, cpu0, faults, inject } = await host();
    await inject(skew(0, { name: "fast", forNs: 5e9 }));
    clock.advance(4000);
    await inject(skew(0, { name: "fast", forNs: 5e9 }));
    await expect.poll(() => cpu0.hub.list()).toMatchObject([{ name: "fast", remainingMs: 5000 }]);
    clock.advance(4000);
    expect(cpu0.done).toEqual(["skew"]);
    expect(await faults.list(false)).toMatchObject([{ name: "fast", state: "acting" }]);
  });

  test("a crash is not given again: it would kill the CPU that has come back", async () => {
    const { cpu0, inject } = await host();
    const crash: Fault = { name: "dies", forNs: 5e9, action: { kind: "crash", cpu: 0, when: "now" } };
    await inject(crash);
    cpu0.hub.clear([]);
    await inject(crash);
    await systemClock.sleep(100);
    expect(cpu0.done).toEqual(["crash", "crash ended"]);
  });

  test("ends there when it is cleared here, also right after it was injected", async () => {
    const { faults, cpu0, inject } = await host();
    const injecting = inject(skew(0, { name: "fast" }));
    expect(await faults.clear(["fast"])).toMatchObject([{ name: "fast", where: "l0", state: "ended", strikes: 1 }]);
    await injecting;
    await expect.poll(() => cpu0.done).toEqual(["skew", "skew ended"]);
    expect(await faults.clear(["fast"])).toEqual([]);
  });

  test("ends there when its lease ends here", async () => {
    const { clock, cpu0, inject } = await host();
    await inject(skew(0, { name: "fast", forNs: 1e9 }));
    clock.advance(1000);
    await expect.poll(() => cpu0.done).toEqual(["skew", "skew ended"]);
    expect(cpu0.hub.list()).toEqual([]);
  });

  test("a CPU that vanished is a note and no error", async () => {
    const { faults, inject } = await host();
    const { notes } = await inject(skew(2, { name: "nobody" }));
    expect(notes).toHaveLength(1);
    expect(notes[0]).toMatch(/^CPU 2 does not answer \(.*ECONNREFUSED.*\): there is nothing to do to it$/);
    expect(await faults.clear([])).toMatchObject([{ name: "nobody", state: "ended" }]);
  });

  test("of what was injected at a CPU L0 tells and clears it too", async () => {
    const { faults, cpu0 } = await host();
    cpu0.hub.inject({ fault: { name: "own", forNs: 60e9, action: { kind: "stopBus" } }, seed: "1" }, false);
    expect(await faults.list(false)).toMatchObject([{ name: "own", where: "cpu0" }]);
    expect(await faults.clear(["own"])).toMatchObject([{ name: "own", where: "cpu0", state: "ended" }]);
    expect(cpu0.done).toEqual(["stopBus", "stopBus ended"]);
  });
});

describe("what L0 does itself", () => {
  test("partition: until the lease ends", async () => {
    const { clock, partitions, inject } = await host();
    await inject({ forNs: 1e9, action: { kind: "partition", cpu: 1 } });
    expect(partitions.isCut(1)).toBe(true);
    clock.advance(1000);
    expect(partitions.isCut(1)).toBe(false);
  });

  test("clockSkew of its own clock", async () => {
    const { clock, skewed, cpu0, inject } = await host();
    await inject({ forNs: 1e9, action: { kind: "clockSkew", clock: "l0", ppm: 1000, offsetNs: 0 } });
    clock.advance(5000);
    expect(skewed.monoNs() - clock.monoNs()).toBe(1e6);
    expect(cpu0.done).toEqual([]);
  });

  test("refuseAllocation: so many times, and no more when it has ended", async () => {
    const { hypervisor, faults, inject } = await host();
    const { allocator } = hypervisor.state;
    await inject({ name: "full", action: { kind: "refuseAllocation", what: "page", times: 2 } });
    expect(allocator.allocatePage()).toBeUndefined();
    await faults.clear(["full"]);
    expect(allocator.allocatePage()).toBeDefined();
  });

  test("offline of a CPU that is not in use: a note, at the beginning and at the end", async () => {
    const { faults, inject } = await host();
    await inject({ name: "off", action: { kind: "offline", cpu: 2 } });
    await faults.clear(["off"]);
    await expect.poll(() => faults.hub.list(true)[0]?.notes).toHaveLength(2);
  });
});
