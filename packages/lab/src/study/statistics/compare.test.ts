import { RandomStream } from "@vmcslab/faults";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareSamples } from "./compare.js";

const samples = fc.array(fc.integer({ min: 1, max: 1e6 }), { minLength: 5, maxLength: 20 });

describe("two samples", () => {
  it("say in words which is lower, and by how much", () => {
    const found = compareSamples([100, 101, 99, 100, 102], [50, 51, 49, 52, 50], false);
    expect(found).toMatchObject({ a: 100, b: 50, percent: -50, verdict: "B lower" });
    expect(found.percentInterval?.high).toBeLessThan(-45);
  });

  it("of fewer than five say so, and give no interval", () => {
    expect(compareSamples([1, 2, 3, 4], [5, 6, 7, 8], true)).toEqual({
      a: 2.5,
      b: 6.5,
      percent: expect.closeTo(166.7, 1),
      verdict: "too few samples",
    });
  });

  it("from nothing have no per cent", () => {
    const found = compareSamples([0, 0, 0, 0, 0], [1, 1, 1, 1, 1], true);
    expect(found).toEqual({ a: 0, b: 1, difference: { low: 1, high: 1 }, verdict: "B higher" });
  });

  it("that are one show no difference", () => {
    fc.assert(
      fc.property(samples, fc.boolean(), (sample, paired) => {
        expect(compareSamples(sample, sample, paired).verdict).toBe("no difference seen");
      }),
    );
  });

  it("exchanged say the opposite", () => {
    const opposite = { "B lower": "B higher", "B higher": "B lower" } as const;
    fc.assert(
      fc.property(samples, fc.integer({ min: -50, max: 50 }), (sample, shift) => {
        const other = sample.map((value) => value + shift);
        const { verdict } = compareSamples(sample, other, true);
        const expected = verdict === "B lower" || verdict === "B higher" ? opposite[verdict] : verdict;
        expect(compareSamples(other, sample, true).verdict).toBe(expected);
      }),
    );
  });
});

it("pairs show a difference that the drift of a machine hides", () => {
  const stream = new RandomStream("drift");
  const drift = Array.from({ length: 10 }, (_, repetition) => 100 + 40 * repetition + stream.unit());
  const slower = drift.map((value) => value + 5 + stream.unit());
  expect(compareSamples(drift, slower, true).verdict).toBe("B higher");
  expect(compareSamples(drift, slower, false).verdict).toBe("no difference seen");
});

it.each([
  [true, 0.095],
  [false, 0.075],
])("where there is no difference one is seen seldom (paired: %s)", (paired, atMost) => {
  const stream = new RandomStream("none");
  const experiments = 1_500;
  let seen = 0;
  for (let i = 0; i < experiments; i++) {
    const [a, b] = [0, 1].map(() => Array.from({ length: 9 }, () => 10 + stream.unit() + stream.unit()));
    if (compareSamples(a ?? [], b ?? [], paired).verdict !== "no difference seen") seen++;
  }
  expect(seen / experiments).toBeLessThan(atMost);
});
