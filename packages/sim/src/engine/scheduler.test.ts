import type { Timer } from "@vmcslab/nested";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NodeClock } from "./node-clock.js";
import { Scheduler } from "./scheduler.js";

function runAll(scheduler: Scheduler): void {
  while (scheduler.step(Number.POSITIVE_INFINITY));
}

describe("virtual time", () => {
  test("calls what is due in the order of time, then of number; what is cancelled is not called", () => {
    const anyMove = fc.oneof(
      fc.record({ kind: fc.constant("at" as const), timeNs: fc.nat({ max: 40 }) }),
      fc.record({ kind: fc.constant("cancel" as const), which: fc.nat({ max: 60 }) }),
      fc.record({ kind: fc.constant("step" as const) }),
    );
    fc.assert(
      fc.property(fc.array(anyMove, { maxLength: 200 }), (moves) => {
        const scheduler = new Scheduler();
        const timers: Timer[] = [];
        const due = new Map<number, number>();
        const called: number[] = [];
        for (const move of moves) {
          if (move.kind === "at") {
            const number = timers.length;
            due.set(number, Math.max(move.timeNs, scheduler.nowNs));
            timers.push(
              scheduler.at(move.timeNs, () => {
                called.push(number);
                expect(scheduler.nowNs).toBe(due.get(number));
                const first = [...due].sort(([a, atA], [b, atB]) => atA - atB || a - b)[0];
                expect(number).toBe(first?.[0]);
                due.delete(number);
              }),
            );
          } else if (move.kind === "cancel") {
            timers[move.which]?.cancel();
            due.delete(move.which);
          } else scheduler.step(Number.POSITIVE_INFINITY);
          expect(scheduler.pending).toBe(due.size);
        }
        runAll(scheduler);
        expect(due.size).toBe(0);
        expect(scheduler.steps).toBe(called.length);
      }),
    );
  });

  test("stops at a limit, and time stays where it was", () => {
    const scheduler = new Scheduler();
    scheduler.at(5, () => undefined);
    expect([scheduler.step(4), scheduler.nowNs, scheduler.pending]).toEqual([false, 0, 1]);
    expect([scheduler.step(5), scheduler.nowNs, scheduler.pending]).toEqual([true, 5, 0]);
  });
});

describe("the clock of a node", () => {
  test("that is fast by 100,000 ppm counts 1.1 s in a second, and its timers fire early", () => {
    const scheduler = new Scheduler();
    const clock = new NodeClock(scheduler);
    clock.skew(100_000, 0);
    let firedNs = 0;
    clock.afterNs(1_100_000_000, () => {
      firedNs = scheduler.nowNs;
    });
    runAll(scheduler);
    expect(Math.abs(firedNs - 1_000_000_000)).toBeLessThanOrEqual(1);
    expect(Math.abs(clock.nowNs - 1_100_000_000)).toBeLessThanOrEqual(2);
  });

  test("never jumps as a monotonic clock, and does as a wall clock", () => {
    const scheduler = new Scheduler();
    const clock = new NodeClock(scheduler);
    scheduler.at(1000, () => undefined);
    runAll(scheduler);
    clock.skew(0, -5_000_000);
    expect([clock.nowNs, clock.wallUs]).toEqual([1000, -4999]);
  });

  test("of a node that restarts forgets what it waited for", () => {
    const scheduler = new Scheduler();
    const clock = new NodeClock(scheduler);
    let fired = 0;
    clock.afterNs(10, () => fired++);
    clock.forget();
    clock.afterNs(20, () => fired++);
    runAll(scheduler);
    expect(fired).toBe(1);
  });
});
