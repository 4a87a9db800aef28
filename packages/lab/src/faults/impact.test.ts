import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FaultImpact, quantileOf } from "./impact.js";

describe("a quantile by nearest rank", () => {
  test.each<[number[], number, number | undefined]>([
    [[], 0.5, undefined],
    [[7], 0, 7],
    [[7], 0.99, 7],
    [[4, 1, 3, 2], 0.5, 2],
    [[5, 4, 3, 2, 1], 0.5, 3],
    [Array.from({ length: 100 }, (_, index) => index + 1), 0.99, 99],
    [Array.from({ length: 101 }, (_, index) => index + 1), 0.99, 100],
    [[10, 9, 100], 1, 100],
  ])("of %j at %d is %s", (samples, q, value) => {
    expect(quantileOf(samples, q)).toBe(value);
  });

  test("is the smallest sample that a share q of all does not exceed, in any order", () => {
    const percent = fc.integer({ min: 1, max: 100 });
    for (let count = 1; count <= 200; count++) {
      const ranks = Array.from({ length: count }, (_, index) => index + 1);
      for (let hundredths = 1; hundredths <= 100; hundredths++)
        expect([count, quantileOf(ranks, hundredths / 100)]).toEqual([count, Math.ceil((hundredths * count) / 100)]);
    }
    fc.assert(
      fc.property(fc.array(fc.integer(), { minLength: 1, maxLength: 300 }), percent, (samples, hundredths) => {
        const found = quantileOf(samples, hundredths / 100);
        const isEnough = (value: number) =>
          100 * samples.filter((sample) => sample <= value).length >= hundredths * samples.length;
        expect(found).toBe(Math.min(...samples.filter(isEnough)));
      }),
      { numRuns: 2000 },
    );
  });
});

describe("what faults do to operations that are under way", () => {
  function watching() {
    let nowNs = 0;
    const impact = new FaultImpact(() => nowNs);
    return {
      impact,
      pass: (ns: number) => {
        nowNs += ns;
      },
    };
  }

  test("counts those under way when it begins, and the time until one of their vcpu's succeeds", () => {
    const { impact, pass } = watching();
    const first = impact.began(1);
    const second = impact.began(2);
    pass(100);
    impact.injected("stall");
    pass(50);
    impact.ended(first, true);
    pass(30);
    impact.ended(second, false);
    const again = impact.began(2);
    pass(20);
    impact.ended(again, true);
    expect(impact.of("stall")).toEqual({ inFlight: 2, recoveriesNs: [50, 100] });
  });

  test("an operation that began later recovers its vcpu, and only its own", () => {
    const { impact, pass } = watching();
    impact.began(1);
    impact.injected("crash");
    const other = impact.began(2);
    const later = impact.began(1);
    pass(10);
    impact.ended(other, true);
    expect(impact.of("crash")).toEqual({ inFlight: 1, recoveriesNs: [] });
    pass(10);
    impact.ended(later, true);
    expect(impact.of("crash")).toEqual({ inFlight: 1, recoveriesNs: [20] });
  });

  test("a vcpu recovers once from each fault, and each kind is counted by itself", () => {
    const { impact, pass } = watching();
    const one = impact.began(1);
    impact.injected("stall");
    pass(5);
    impact.injected("stall");
    impact.injected("delay");
    pass(5);
    impact.ended(one, true);
    impact.ended(impact.began(1), true);
    expect(impact.of("stall")).toEqual({ inFlight: 2, recoveriesNs: [10, 5] });
    expect(impact.of("delay")).toEqual({ inFlight: 1, recoveriesNs: [5] });
    expect(impact.of("crash")).toBeUndefined();
  });

  test("a fault that strikes nobody is counted with nothing", () => {
    const { impact } = watching();
    impact.ended(impact.began(1), true);
    impact.injected("partition");
    expect(impact.of("partition")).toEqual({ inFlight: 0, recoveriesNs: [] });
  });
});
