import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ManualClock } from "../manual-clock.js";
import { CheapTimers } from "./cheap-timers.js";

const DELAYS_MS = [1, 7, 2000];

const step = fc.oneof(
  fc.record({ kind: fc.constant("set" as const), delayMs: fc.constantFrom(...DELAYS_MS) }),
  fc.record({ kind: fc.constant("cancel" as const), which: fc.nat(20) }),
  fc.record({ kind: fc.constant("pass" as const), ms: fc.constantFrom(1, 3, 6, 500, 1999, 2001) }),
);

describe("timers that are cancelled as a rule", () => {
  it("fire when the clock's own would, whatever is set and cancelled in between", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const clock = new ManualClock();
        const cheap = new CheapTimers(clock);
        const fired: string[] = [];
        const expected: string[] = [];
        const set: { cancel: () => void }[] = [];
        for (const [at, each] of steps.entries()) {
          if (each.kind === "set") {
            const mine = cheap.after(each.delayMs, () => fired.push(`${at} at ${clock.monoNs()}`));
            const own = clock.after(each.delayMs, () => expected.push(`${at} at ${clock.monoNs()}`));
            set.push({
              cancel: () => {
                mine.cancel();
                own.cancel();
              },
            });
          } else if (each.kind === "cancel") set[each.which]?.cancel();
          else clock.advance(each.ms);
        }
        clock.advance(2000);
        // Those of different delays that are due at one time have no order.
        expect(fired.toSorted()).toEqual(expected.toSorted());
      }),
    );
  });

  it("cost one timer of the clock per delay, and none when they are closed", () => {
    const clock = new ManualClock();
    const cheap = new CheapTimers(clock);
    for (let i = 0; i < 100; i++) cheap.after(2000, () => undefined).cancel();
    cheap.after(500, () => undefined);
    expect(clock.pending).toBe(2);
    cheap.close();
    expect(clock.pending).toBe(0);
  });

  it("that fire may set others, and cancel those that are due next", () => {
    const clock = new ManualClock();
    const cheap = new CheapTimers(clock);
    const fired: string[] = [];
    cheap.after(10, () => {
      fired.push("first");
      second.cancel();
      cheap.after(10, () => fired.push("third"));
    });
    const second = cheap.after(10, () => fired.push("second"));
    clock.advance(20);
    expect(fired).toEqual(["first", "third"]);
  });
});
