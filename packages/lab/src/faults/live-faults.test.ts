import type { Fault, FaultFact, FaultVictims } from "@vmcslab/faults";
import { FaultHub, faultService, type RunningServer, serve, systemClock, UnaryHandlers } from "@vmcslab/runtime";
import { ManualClock } from "@vmcslab/runtime/manual-clock";
import { afterEach, describe, expect, test } from "vitest";
import { FaultImpact } from "./impact.js";
import { LiveFaults } from "./live-faults.js";
import type { DeathExpectation, HostProcesses } from "./processes.js";

const logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Processes that are names: who is dead, and what was done to whom. */
class FakeProcesses implements HostProcesses {
  readonly log: string[] = [];
  readonly dead = new Set<string>();
  readonly expected = new Map<string, () => void>();
  /** What kills wait for. */
  killing: Promise<void> = Promise.resolve();
  failure: string | undefined;

  async kill(name: string): Promise<void> {
    this.log.push(`kill ${name}`);
    await this.killing;
    this.dead.add(name);
  }

  async restart(name: string): Promise<void> {
    if (this.failure !== undefined) throw new Error(this.failure);
    this.log.push(`restart ${name}`);
    this.dead.delete(name);
    await Promise.resolve();
  }

  stall(name: string, forNs: number): () => Promise<void> {
    this.log.push(`stall ${name} for ${forNs / 1e6} ms`);
    return () => {
      this.log.push(`go on ${name}`);
      return Promise.resolve();
    };
  }

  expectDeath(name: string, _forNs: number, died: () => void): DeathExpectation {
    this.expected.set(name, died);
    return {
      ready: Promise.resolve(),
      end: () => {
        if (this.expected.get(name) === died) this.expected.delete(name);
        return Promise.resolve();
      },
    };
  }

  /** It kills itself, as it was told to. */
  die(name: string): void {
    const died = this.expected.get(name);
    if (died === undefined) throw new Error(`${name} died, and nobody expected it`);
    this.expected.delete(name);
    this.log.push(`${name} died`);
    this.dead.add(name);
    died();
  }
}

async function l0Serving(clock: ManualClock): Promise<{ hub: FaultHub; server: RunningServer }> {
  const doing = () => () => undefined;
  const victims: FaultVictims = {
    ...{ stall: doing, partition: doing, crash: doing, crashL0: doing, stopBus: doing },
    ...{ skew: doing, refuseAllocation: doing, offline: doing, online: doing },
  };
  const refusal = ({ action }: Fault) => (action.kind === "offline" ? "no CPU has registered" : undefined);
  const hub = new FaultHub({ where: "l0", clock, refusal, victims: () => victims, emit: () => undefined });
  const server = await serve({
    ...{ listen: "127.0.0.1:0", clock: systemClock, drained: () => Promise.resolve() },
    services: [faultService(hub, new UnaryHandlers(logger))],
  });
  cleanups.push(() => server.stop());
  return { hub, server };
}

/** A run of four CPUs with these faults, on a real FaultService and a clock that is moved by hand. */
async function running(faults: readonly Fault[], { isAttached = false }: { readonly isAttached?: boolean } = {}) {
  const clock = new ManualClock();
  const { hub, server } = await l0Serving(clock);
  const processes = new FakeProcesses();
  const facts: FaultFact[] = [];
  const impact = new FaultImpact(() => clock.monoNs());
  const live = new LiveFaults({
    ...{ faults, seed: 1, cpus: 4, l0Address: server.address, clock, impact },
    ...(isAttached ? {} : { processes }),
    emit: (fact) => facts.push(fact),
  });
  cleanups.push(() => live.close());
  /** Calls over gRPC take real turns. */
  const pass = (ms: number) => clock.advanceThrough(ms, () => systemClock.sleep(5));
  live.start();
  await pass(0);
  return { clock, hub, processes, facts, impact, live, pass };
}

const crash = (more: Partial<Fault> = {}): Fault => ({
  ...{ at: 0, forNs: 1e9 },
  ...more,
  match: undefined,
  action: { kind: "crash", cpu: 1, when: "now" },
});

describe("a process that is killed from outside", () => {
  test("is started again when it has been dead for as long as the fault lasts, and is counted", async () => {
    const { processes, facts, live, pass } = await running([crash({ name: "dies" })]);
    expect([processes.log, live.areOver]).toEqual([["kill cpu1"], false]);
    await pass(999);
    expect(processes.log).toEqual(["kill cpu1"]);
    await pass(1);
    expect([processes.log, live.areOver]).toEqual([["kill cpu1", "restart cpu1"], true]);
    expect(live.report()).toEqual({
      ...{ injected: 1, healed: 1 },
      byKind: { crash: { injected: 1, healed: 1, struck: 1, inFlight: 0, recovered: 0 } },
    });
    expect(facts).toMatchObject([
      { kind: "fault.injected", cause: "dies", cpu: 1 },
      { kind: "fault.healed", cause: "dies", cpu: 1, count: 1 },
    ]);
    expect(live.l0Restarted).toBe(false);
  });

  test("crashL0: L0's counters began anew", async () => {
    const { processes, live, pass } = await running([{ at: 0, forNs: 1e9, action: { kind: "crashL0" } }]);
    await pass(1000);
    expect([processes.log, live.l0Restarted]).toEqual([["kill l0", "restart l0"], true]);
  });

  test("twice is started again once, when the first of the faults ends", async () => {
    const faults = [crash({ name: "long", forNs: 5e9 }), crash({ name: "short", at: 1e9, forNs: 1e9 })];
    const { processes, live, pass } = await running(faults);
    await pass(10_000);
    expect(processes.log).toEqual(["kill cpu1", "kill cpu1", "restart cpu1"]);
    expect([...processes.dead]).toEqual([]);
    expect(live.report()).toMatchObject({ injected: 2, healed: 2 });
  });

  test("again and again: each time is counted from when the process is back", async () => {
    const repeat = { times: 3, every: { constant: 1e9 } };
    const { processes, live, pass } = await running([crash({ repeat })]);
    await pass(2000);
    expect(processes.log).toEqual(["kill cpu1", "restart cpu1", "kill cpu1"]);
    await pass(3000);
    expect([live.areOver, live.report().injected]).toEqual([true, 3]);
  });

  test("of any CPU is one of the host's", async () => {
    const any: Fault = { at: 0, forNs: 1e9, action: { kind: "crash", cpu: "any", when: "now" } };
    const { processes } = await running([any]);
    expect(processes.log[0]).toMatch(/^kill cpu[0-3]$/);
  });

  test("and cannot be started again is a note", async () => {
    const { processes, live, pass } = await running([crash()]);
    processes.failure = "cpu1 did not start: its port is taken";
    await pass(1000);
    expect(live.notes).toEqual(["cpu1 did not start: its port is taken"]);
  });
});

describe("the end of the workload", () => {
  test("ends every fault, and brings everybody back", async () => {
    const stall: Fault = { name: "stands", at: 0, forNs: 60e9, action: { kind: "stall", cpu: 2 } };
    const lost: Fault = { name: "lost", at: 0, match: {}, action: { kind: "dropReply" } };
    const { hub, processes, live } = await running([crash({ forNs: 60e9 }), stall, lost]);
    await expect.poll(() => hub.list()).toMatchObject([{ name: "lost", state: "acting" }]);
    await live.heal();
    expect(processes.log).toEqual(["kill cpu1", "stall cpu2 for 60000 ms", "go on cpu2", "restart cpu1"]);
    expect([...processes.dead]).toEqual([]);
    expect(hub.list()).toEqual([]);
    expect(live.report()).toMatchObject({ injected: 3, healed: 3 });
  });

  test("waits for a process that is dying just then, and brings it back", async () => {
    const { clock, processes, live } = await running([crash({ at: 1e9, forNs: 60e9 })]);
    let die = (): void => undefined;
    processes.killing = new Promise((resolve) => {
      die = resolve;
    });
    clock.advance(1000);
    const healing = live.heal();
    await systemClock.sleep(5);
    die();
    await healing;
    expect(processes.log).toEqual(["kill cpu1", "restart cpu1"]);
    expect([...processes.dead]).toEqual([]);
  });

  test("no fault begins any more", async () => {
    const { processes, live, pass } = await running([crash({ at: 2e9 })]);
    await live.heal();
    await pass(5000);
    expect(processes.log).toEqual([]);
    expect(live.report()).toEqual({ injected: 0, healed: 0, byKind: {} });
  });

  test("a stall that lasts until then is guarded for longer than a workload", async () => {
    const { processes, live } = await running([{ at: 0, action: { kind: "stall", cpu: 0 } }]);
    expect(processes.log).toEqual(["stall cpu0 for 3600000 ms"]);
    await live.heal();
    expect(processes.log.at(-1)).toBe("go on cpu0");
  });
});

describe("a process that kills itself when it was told to", () => {
  const flushing = (more: Partial<Fault> = {}): Fault => ({
    ...{ at: 0, forNs: 1e9 },
    ...more,
    match: undefined,
    action: { kind: "crash", cpu: 1, when: "afterFlush" },
  });

  test("is expected to die, and started again when it has been dead for as long as the fault lasts", async () => {
    const { hub, processes, pass } = await running([flushing({ name: "flushes" })]);
    await expect.poll(() => hub.list()).toMatchObject([{ name: "flushes", kind: "crash" }]);
    await pass(700);
    processes.die("cpu1");
    await pass(999);
    expect(processes.log).toEqual(["cpu1 died"]);
    await pass(1);
    expect(processes.log).toEqual(["cpu1 died", "restart cpu1"]);
  });

  test("and has not until the fault ends is not expected to die any more", async () => {
    const { processes, pass } = await running([flushing()]);
    expect([...processes.expected.keys()]).toEqual(["cpu1"]);
    await pass(1000);
    await expect.poll(() => processes.expected.size).toBe(0);
  });

  test("is started again at once when the workload is over", async () => {
    const { processes, live, pass } = await running([flushing({ forNs: 60e9 })]);
    processes.die("cpu1");
    await pass(100);
    await live.heal();
    expect(processes.log).toEqual(["cpu1 died", "restart cpu1"]);
  });

  test("at an event: it is expected from the start, and counted when L0 says that it acted", async () => {
    const on = { event: "ipi.sent" };
    const { hub, processes, live, pass } = await running([flushing({ at: undefined, on, name: "flushes" })]);
    expect([...processes.expected.keys()]).toEqual(["cpu1"]);
    await expect.poll(() => hub.list()).toMatchObject([{ name: "flushes", state: "waiting" }]);
    hub.stated("ipi.sent");
    await pass(0);
    processes.die("cpu1");
    await pass(1000);
    expect(processes.log).toEqual(["cpu1 died", "restart cpu1"]);
    await expect
      .poll(() => pass(500).then(() => live.report()))
      .toMatchObject({ injected: 1, healed: 1, byKind: { crash: { struck: 1 } } });
    expect(processes.expected.size).toBe(0);
  });
});

describe("what L0 injects", () => {
  test("strikes are counted when it has ended", async () => {
    const lost: Fault = { name: "lost", at: 0, forNs: 1e9, match: {}, action: { kind: "dropReply" } };
    const { hub, live, pass } = await running([lost]);
    await expect.poll(() => hub.messages.isActive).toBe(true);
    for (let message = 0; message < 3; message++) hub.messages.decide({ from: "l0", to: "cpu0", methods: ["batch"] });
    await pass(1000);
    await live.heal();
    expect(live.report()).toMatchObject({ byKind: { dropReply: { injected: 1, healed: 1, struck: 3 } } });
  });

  test("what it refuses is a note", async () => {
    const { live } = await running([{ name: "off", at: 0, forNs: 1e9, action: { kind: "offline", cpu: 1 } }]);
    await expect.poll(() => live.notes).toEqual(["fault off was refused: no CPU has registered"]);
  });

  test("on a host whose processes nobody can touch it injects stalls and crashes too", async () => {
    const stall: Fault = { name: "stands", at: 0, forNs: 1e9, action: { kind: "stall", cpu: 2 } };
    const { hub } = await running([crash({ name: "dies" }), stall], { isAttached: true });
    await expect
      .poll(() => hub.list().map(({ name, kind }) => [name, kind]))
      .toEqual([
        ["dies", "crash"],
        ["stands", "stall"],
      ]);
  });

  test("has the name that the events have, by its place among all faults", async () => {
    const faults: Fault[] = [
      { on: { event: "ipi.sent" }, forNs: 9e9, match: {}, action: { kind: "dropReply" } },
      { at: 0, forNs: 9e9, match: {}, action: { kind: "dropReply" } },
    ];
    const { hub, facts } = await running(faults);
    expect(facts).toMatchObject([{ kind: "fault.injected", cause: "dropReply#1" }]);
    await expect
      .poll(() => new Map(hub.list().map(({ name, state }) => [name, state])))
      .toEqual(
        new Map([
          ["dropreply-0", "waiting"],
          ["dropreply-1", "acting"],
        ]),
      );
  });

  test("operations under way when it begins are counted, and when they recover", async () => {
    const { impact, live, pass } = await running([crash({ at: 1e9 })]);
    const operation = impact.began(0);
    await pass(1000);
    await pass(250);
    impact.ended(operation, true);
    expect(live.report()).toMatchObject({
      byKind: { crash: { inFlight: 1, recovered: 1, recoveryMs: { p50: 250, p99: 250 } } },
    });
  });
});
