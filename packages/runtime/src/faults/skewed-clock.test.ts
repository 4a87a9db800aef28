import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ManualClock } from "../manual-clock.js";
import { SkewedClock } from "./skewed-clock.js";

const START_US = 1_700_000_000_000_000;

function skewedClock() {
  const clock = new ManualClock(START_US);
  return { clock, skewed: new SkewedClock(clock) };
}

const ppm = fc.integer({ min: -500_000, max: 500_000 });
const offsetNs = fc.integer({ min: -1e12, max: 1e12 });
const skews = fc.array(fc.record({ ppm, offsetNs, afterMs: fc.nat({ max: 10_000 }) }), { maxLength: 10 });

describe("a clock that a fault may make wrong", () => {
  test("is the clock that it was made of until then", () => {
    const { clock, skewed } = skewedClock();
    clock.advance(1234);
    expect([skewed.monoNs(), skewed.wallUs()]).toEqual([clock.monoNs(), clock.wallUs()]);
  });

  test("a clock that runs 100 ppm fast gains 100 us in a second, on both its clocks", () => {
    const { clock, skewed } = skewedClock();
    skewed.skew(100, 0);
    clock.advance(1000);
    expect(skewed.monoNs() - clock.monoNs()).toBe(100_000);
    expect(skewed.wallUs() - clock.wallUs()).toBe(100);
  });

  test("an offset makes the wall clock jump, and the monotonic clock never", () => {
    const { clock, skewed } = skewedClock();
    skewed.skew(0, -5e6);
    expect([skewed.monoNs(), skewed.wallUs() - clock.wallUs()]).toEqual([0, -5000]);
  });

  test("when the fault ends it keeps the difference that it has, and gains no more", () => {
    const { clock, skewed } = skewedClock();
    skewed.skew(-200, 60e9);
    clock.advance(10_000);
    skewed.skew(0, 0);
    clock.advance(50_000);
    expect(skewed.monoNs() - clock.monoNs()).toBe(-2_000_000);
    expect(skewed.wallUs() - clock.wallUs()).toBe(60_000_000 - 2000);
  });

  test("monotonic time never goes back, whatever skews follow each other", () => {
    fc.assert(
      fc.property(skews, fc.array(fc.nat({ max: 1000 }), { minLength: 1 }), (list, ticksUs) => {
        const { clock, skewed } = skewedClock();
        let last = skewed.monoNs();
        const look = (): void => {
          expect(skewed.monoNs()).toBeGreaterThanOrEqual(last);
          last = skewed.monoNs();
        };
        for (const skew of list) {
          skewed.skew(skew.ppm, skew.offsetNs);
          look();
          for (const us of ticksUs) {
            clock.advance(us / 1000);
            look();
          }
        }
      }),
    );
  });

  test("both clocks gain what the rates say, and the wall clock jumps by the offsets (to a microsecond for each change)", () => {
    fc.assert(
      fc.property(skews, (list) => {
        const { clock, skewed } = skewedClock();
        let ownNs = 0;
        let offsetUs = 0;
        for (const skew of list) {
          skewed.skew(skew.ppm, skew.offsetNs);
          clock.advance(skew.afterMs);
          ownNs += skew.afterMs * (1e6 + skew.ppm);
          offsetUs += skew.offsetNs / 1000;
        }
        expect(Math.abs(skewed.monoNs() - ownNs)).toBeLessThanOrEqual(list.length);
        const wallUs = skewed.wallUs() - START_US;
        expect(Math.abs(wallUs - ownNs / 1000 - offsetUs)).toBeLessThanOrEqual(2 * list.length + 1);
      }),
    );
  });
});

describe("a timer of a skewed clock", () => {
  test("fires when the skewed clock says that its time is over", () => {
    fc.assert(
      fc.property(ppm, fc.integer({ min: 1, max: 100_000 }), (rate, delayMs) => {
        const { clock, skewed } = skewedClock();
        skewed.skew(rate, 0);
        const startNs = skewed.monoNs();
        let firedNs: number | undefined;
        skewed.after(delayMs, () => {
          firedNs = skewed.monoNs() - startNs;
        });
        clock.advance(3 * delayMs);
        expect(Math.abs((firedNs ?? 0) - delayMs * 1e6)).toBeLessThanOrEqual(2);
      }),
    );
  });

  test("that runs when the rate changes ends by the rate that it was started with", () => {
    const { clock, skewed } = skewedClock();
    const fired: number[] = [];
    skewed.after(100, () => fired.push(clock.monoNs() / 1e6));
    skewed.skew(500_000, 0);
    skewed.after(150, () => fired.push(clock.monoNs() / 1e6));
    clock.advance(100);
    expect(fired).toEqual([100, 100]);
  });

  test("can be cancelled, and a sleep ends by it or when it is aborted", async () => {
    const { clock, skewed } = skewedClock();
    skewed.skew(-500_000, 0);
    skewed.after(10, () => expect.unreachable()).cancel();
    let slept = false;
    const sleeping = skewed.sleep(10).then(() => {
      slept = true;
    });
    clock.advance(19);
    await Promise.resolve();
    expect(slept).toBe(false);
    clock.advance(1);
    await sleeping;
    const abort = new AbortController();
    const aborted = skewed.sleep(10, abort.signal);
    abort.abort();
    await aborted;
    expect(clock.pending).toBe(0);
  });
});
