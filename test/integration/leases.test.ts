import type { Clock } from "@vmcslab/runtime";
import { describe, expect, test } from "vitest";
import { CpuLife } from "../../services/cpu/src/life.js";
import { FenceWatch } from "../../services/l0/src/fence-watch.js";

const LEASE_MS = 1000;
const TERMS = { durationNs: LEASE_MS * 1e6, driftPpm: 10_000 };
const SLOW = 0.99;
const FAST = 1.01;

/** Time that the test lets pass, and clocks that count it at rates of their own. */
class World {
  nowNs = 0;
  readonly #timers = new Set<{ readonly atNs: number; readonly callback: () => void }>();

  clock(rate: number): Clock {
    return {
      wallUs: () => 1_000_000 + Math.floor((this.nowNs * rate) / 1000),
      monoNs: () => this.nowNs * rate,
      after: (delayMs, callback) => {
        const timer = { atNs: this.nowNs + (delayMs * 1e6) / rate, callback };
        this.#timers.add(timer);
        return { cancel: () => this.#timers.delete(timer) };
      },
      sleep: () => Promise.reject(new Error("nobody sleeps here")),
    };
  }

  /** Timers fire on their way, unless everything stands still meanwhile. */
  pass(ms: number, { stalled = false } = {}): void {
    const endNs = this.nowNs + ms * 1e6;
    for (;;) {
      const [next] = [...this.#timers].filter(({ atNs }) => atNs <= endNs).sort((a, b) => a.atNs - b.atNs);
      if (next === undefined || stalled) break;
      this.#timers.delete(next);
      this.nowNs = Math.max(this.nowNs, next.atNs);
      next.callback();
    }
    this.nowNs = endNs;
  }
}

function cpuIn(world: World, rate = 1) {
  const told: string[] = [];
  const ends: number[] = [];
  const life = new CpuLife({
    clock: world.clock(rate),
    onExpired: (incarnation) => {
      ends.push(world.nowNs);
      told.push(`expired ${incarnation}`);
    },
    onOver: (incarnation) => told.push(`over ${incarnation}`),
    onBegun: (incarnation) => told.push(`begun ${incarnation}`),
  });
  return { life, told, ends, first: life.incarnation };
}

const answer = (leaseMs = LEASE_MS, session = 1) => ({ ready: true, session, leaseMs, over: false });
const OVER = { ready: false, session: 1, leaseMs: 0, over: true };

describe("the life of a CPU", () => {
  test("has no lease until L0 answers, and then one that began when the beat was sent", () => {
    const world = new World();
    const { life, told, first } = cpuIn(world);
    expect(life.holdsLease()).toBe(false);
    const beat = life.beat();
    world.pass(400);
    life.answered(beat, answer());
    expect(life.holdsLease()).toBe(true);
    world.pass(599);
    expect(told).toEqual([]);
    world.pass(2);
    expect(told).toEqual([`expired ${first}`, `over ${first}`, `begun ${life.incarnation}`]);
    expect(life.incarnation).toBeGreaterThan(first);
    expect(life.holdsLease()).toBe(false);
  });

  test("goes on while beats are answered, and for ever when L0 grants no leases", () => {
    const world = new World();
    const { life, told } = cpuIn(world);
    for (let i = 0; i < 20; i++) {
      life.answered(life.beat(), answer());
      world.pass(LEASE_MS / 2);
    }
    life.answered(life.beat(), answer(0));
    world.pass(1e9);
    expect(life.holdsLease()).toBe(true);
    expect(told).toEqual([]);
  });

  test("ends before anything is executed when no timer could fire in time", () => {
    const world = new World();
    const { life, told, first } = cpuIn(world);
    life.answered(life.beat(), answer());
    world.pass(5 * LEASE_MS, { stalled: true });
    expect(told).toEqual([]);
    expect(life.holdsLease()).toBe(false);
    expect(told).toEqual([`expired ${first}`, `over ${first}`, `begun ${life.incarnation}`]);
  });

  test("ends when L0 says so; an answer to an earlier life counts for nothing", () => {
    const world = new World();
    const { life, told, first } = cpuIn(world);
    const late = life.beat();
    life.answered(life.beat(), answer());
    life.answered(life.beat(), OVER);
    expect(told).toEqual([`over ${first}`, `begun ${life.incarnation}`]);
    life.answered(late, answer());
    expect(life.holdsLease()).toBe(false);
    life.answered(late, OVER);
    expect(told).toHaveLength(2);
  });

  test("that was stalled says that its lease ended, whatever L0 answers", () => {
    const world = new World();
    const { life, told, first } = cpuIn(world);
    life.answered(life.beat(), answer());
    const beat = life.beat();
    world.pass(5 * LEASE_MS, { stalled: true });
    life.answered(beat, OVER);
    expect(told).toEqual([`expired ${first}`, `over ${first}`, `begun ${life.incarnation}`]);
  });

  test("does not rely on what an earlier L0 granted for ever", () => {
    const world = new World();
    const { life, told } = cpuIn(world);
    life.answered(life.beat(), answer(0, 1));
    life.answered(life.beat(), answer(LEASE_MS, 2));
    world.pass(LEASE_MS + 1);
    expect(told[0]).toMatch(/^expired/);
  });
});

describe("a CPU that falls silent", () => {
  // The answer is under way for a while; what is lost is the CPU's next beat, or that answer.
  test.each([
    [SLOW, FAST, 0, false],
    [SLOW, FAST, 300, false],
    [FAST, SLOW, 300, false],
    [1, 1, 0, true],
    [SLOW, FAST, 300, true],
  ])(
    "has stopped before L0 fences it: CPU's clock %d, L0's %d, answered after %d ms, answer lost: %s",
    (cpuRate, l0Rate, delayMs, isLost) => {
      const world = new World();
      const { life, ends } = cpuIn(world, cpuRate);
      const fences: { cpu: number; incarnation: number; atNs: number }[] = [];
      const watch = new FenceWatch({
        terms: TERMS,
        clock: world.clock(l0Rate),
        onFenced: (cpu, incarnation) => fences.push({ cpu, incarnation, atNs: world.nowNs }),
      });
      const { incarnation } = life;
      const beat = life.beat();
      world.pass(delayMs);
      expect(watch.heard(1, incarnation)).toBe("new");
      world.pass(delayMs);
      life.answered(beat, answer());
      if (isLost) {
        life.beat();
        expect(watch.heard(1, incarnation)).toBe("known");
      }
      world.pass(10 * LEASE_MS);
      expect(fences).toMatchObject([{ cpu: 1, incarnation }]);
      expect(ends).toHaveLength(1);
      expect(ends[0]).toBeLessThan(fences[0]?.atNs ?? 0);
      expect(watch.heard(1, incarnation)).toBe("over");
      expect(watch.heard(1, life.incarnation)).toBe("new");
    },
  );

  test("is not fenced when there are no leases, nor when its life ended otherwise", () => {
    const world = new World();
    const fenced: number[] = [];
    const onFenced = (cpu: number) => fenced.push(cpu);
    const waiting = new FenceWatch({ terms: { durationNs: 0, driftPpm: 0 }, clock: world.clock(1), onFenced });
    expect(waiting.grants).toBe(false);
    waiting.heard(0, 5);
    const watch = new FenceWatch({ terms: TERMS, clock: world.clock(1), onFenced });
    watch.heard(1, 5);
    watch.heard(2, 5);
    watch.ended(1, 5);
    world.pass(10 * LEASE_MS);
    expect(fenced).toEqual([2]);
  });
});
