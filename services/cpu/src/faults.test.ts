import type { Fault } from "@vmcslab/faults";
import type { EventFact } from "@vmcslab/history";
import { MemorySink, OperationRefused, SkewedClock } from "@vmcslab/runtime";
import { ManualClock } from "@vmcslab/runtime/manual-clock";
import { cpuModelNamed, DEFAULT_CPU_MODEL } from "@vmcslab/vmx";
import { describe, expect, test } from "vitest";
import { Board } from "./board.js";
import { cpuFaults } from "./faults.js";

const LIFE = { incarnation: 1, holdsLease: () => true };

/** The faults of CPU 3. */
function cpu3() {
  const model = cpuModelNamed(DEFAULT_CPU_MODEL);
  if (model === undefined) throw new Error(DEFAULT_CPU_MODEL);
  const clock = new ManualClock();
  const skewed = new SkewedClock(clock);
  const facts: EventFact[] = [];
  const emit = (fact: EventFact) => void facts.push(fact);
  const board = new Board({ cpu: 3, model, life: LIFE, emit });
  const sink = new MemorySink();
  const hub = cpuFaults({ cpu: 3, board, skewed, clock, sink, emit });
  const inject = (fault: Fault) => hub.inject({ fault, seed: "1" }, false);
  return { clock, skewed, board, sink, hub, inject };
}

describe("a CPU refuses what is not its own to do, and says where to go", () => {
  test.each<[Fault, string]>([
    [{ action: { kind: "stall", cpu: 2 } }, "this is CPU 3: inject it at L0, which knows CPU 2"],
    [{ action: { kind: "crash", cpu: "any", when: "now" } }, "this is CPU 3: inject it at L0, which knows CPU any"],
    [
      { on: { event: "vmclear" }, action: { kind: "crash", cpu: 3, when: "now" } },
      "crash begins at a time here, or at events of L0: inject it at L0",
    ],
    [
      { on: { event: "vmclear" }, action: { kind: "stall", cpu: 3 } },
      "stall begins at a time here, or at events of L0: inject it at L0",
    ],
    [
      { action: { kind: "clockSkew", clock: "l0", ppm: 1, offsetNs: 0 } },
      "this is CPU 3: inject it at L0, which knows whose clock that is",
    ],
    [
      { match: {}, action: { kind: "dropRequest" } },
      "dropRequest is injected at L0, which is one end of every message and decides what CPUs do",
    ],
    [
      { action: { kind: "offline", cpu: 3 } },
      "offline is injected at L0, which is one end of every message and decides what CPUs do",
    ],
    [
      { action: { kind: "partition", cpu: 3 } },
      "partition is injected at L0, which is one end of every message and decides what CPUs do",
    ],
  ])("%j", (fault, reason) => {
    const { hub, inject } = cpu3();
    expect(() => inject(fault)).toThrow(OperationRefused);
    expect(() => inject(fault)).toThrow(reason);
    expect(hub.list(true)).toEqual([]);
  });
});

describe("what a CPU does to itself ends by its lease", () => {
  test("stopBus holds its events", () => {
    const { clock, sink, inject } = cpu3();
    inject({ forNs: 2e9, action: { kind: "stopBus" } });
    expect(sink.connected).toBe(false);
    clock.advance(1999);
    expect(sink.connected).toBe(false);
    clock.advance(1);
    expect(sink.connected).toBe(true);
  });

  test("clockSkew: its clock runs at its true rate again, and keeps the difference", () => {
    const { clock, skewed, inject } = cpu3();
    inject({ forNs: 1e9, action: { kind: "clockSkew", clock: 3, ppm: 1000, offsetNs: 5e6 } });
    clock.advance(10_000);
    expect(skewed.monoNs() - clock.monoNs()).toBe(1e6);
    expect(skewed.wallUs() - clock.wallUs()).toBe(5000 + 1000);
  });

  test.each(["beforeFlush", "afterFlush"] as const)("crash %s: no flush kills it any more", (when) => {
    const { clock, board, inject } = cpu3();
    inject({ forNs: 1e9, action: { kind: "crash", cpu: 3, when } });
    expect(board.crashAtFlush?.when).toBe(when);
    clock.advance(1000);
    expect(board.crashAtFlush).toBeUndefined();
  });

  test("the end of one crash does not call off another", () => {
    const { clock, board, inject } = cpu3();
    inject({ forNs: 1e9, action: { kind: "crash", cpu: 3, when: "beforeFlush" } });
    inject({ forNs: 2e9, action: { kind: "crash", cpu: 3, when: "afterFlush" } });
    clock.advance(1000);
    expect(board.crashAtFlush?.when).toBe("afterFlush");
    clock.advance(1000);
    expect(board.crashAtFlush).toBeUndefined();
  });

  test("or when it is cleared", () => {
    const { board, sink, hub, inject } = cpu3();
    inject({ name: "quiet", action: { kind: "stopBus" } });
    inject({ name: "dies", action: { kind: "crash", cpu: 3, when: "afterFlush" } });
    expect(hub.clear([])).toMatchObject([
      { name: "quiet", where: "cpu3", state: "ended" },
      { name: "dies", where: "cpu3", state: "ended" },
    ]);
    expect([sink.connected, board.crashAtFlush]).toEqual([true, undefined]);
  });
});
