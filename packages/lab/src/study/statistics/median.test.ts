import { RandomStream } from "@vmcslab/faults";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { differenceInterval, medianInterval, medianOf, percentileInterval, SAMPLES_MIN } from "./median.js";

const values = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: SAMPLES_MIN, maxLength: 30 });

it("the median is the middle value, or the mean of the two", () => {
  expect(medianOf([3, 1, 2])).toBe(2);
  expect(medianOf([4, 1, 2, 3])).toBe(2.5);
  expect(medianOf([7])).toBe(7);
});

describe("the interval", () => {
  it("is not given for fewer samples than it takes", () => {
    const samples = Array.from({ length: SAMPLES_MIN }, (_, index) => index);
    expect(medianInterval(samples.slice(1))).toBeUndefined();
    expect(differenceInterval(samples, samples.slice(1))).toBeUndefined();
    expect(differenceInterval(samples.slice(1), samples)).toBeUndefined();
    expect(medianInterval(samples)).toEqual({ low: 0, high: 4 });
  });

  it("holds the median, lies within the sample, and does not depend on the order", () => {
    fc.assert(
      fc.property(values, (sample) => {
        const { low = Number.NaN, high = Number.NaN } = medianInterval(sample) ?? {};
        expect(low).toBeLessThanOrEqual(medianOf(sample));
        expect(high).toBeGreaterThanOrEqual(medianOf(sample));
        expect(low).toBeGreaterThanOrEqual(Math.min(...sample));
        expect(high).toBeLessThanOrEqual(Math.max(...sample));
        expect(medianInterval(sample.toReversed())).toEqual({ low, high });
      }),
    );
  });

  it("moves and grows with its values", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -1e6, max: 1e6 }), { minLength: 5, maxLength: 30 }), (sample) => {
        const { low = Number.NaN, high = Number.NaN } = medianInterval(sample) ?? {};
        expect(medianInterval(sample.map((value) => 2 * value + 10))).toEqual({
          low: 2 * low + 10,
          high: 2 * high + 10,
        });
      }),
    );
  });

  it("is that of drawing whole resamples, taken the long way", () => {
    const sample = [12, 7, 9, 30, 11, 8, 10];
    const stream = new RandomStream("long");
    const medians = Array.from({ length: 20_000 }, () => medianOf(sample.map(() => sample[stream.below(7)] ?? 0)));
    expect(medianInterval(sample)).toEqual(percentileInterval(medians));
  });

  it("of a difference of nothing holds 0; of one that is large does not", () => {
    const sample = [1, 2, 3, 4, 5, 6, 7];
    const same = differenceInterval(sample, sample);
    expect(same?.low).toBeLessThan(0);
    expect(same?.high).toBeGreaterThan(0);
    const apart = differenceInterval(
      sample,
      sample.map((value) => value + 100),
    );
    expect(apart?.low).toBeGreaterThan(90);
    expect(apart?.high).toBeLessThan(110);
  });
});

/** How often the interval of the median holds the true one, in so many experiments. */
function coverage(size: number, draw: (stream: RandomStream) => number, median: number): number {
  const stream = new RandomStream(`coverage/${size}`);
  const experiments = 4_000;
  let held = 0;
  for (let i = 0; i < experiments; i++) {
    const found = medianInterval(Array.from({ length: size }, () => draw(stream)));
    if (found !== undefined && found.low <= median && median <= found.high) held++;
  }
  return held / experiments;
}

describe("coverage: the true median lies in the interval about as often as is said", () => {
  const exponential = (stream: RandomStream) => -Math.log(1 - stream.unit());
  const uniform = (stream: RandomStream) => stream.unit();
  // With 5 samples the interval is the whole range, which holds the median in 1 - 2^-4 of all cases.
  it.each([
    ["uniform", 5, uniform, 0.5, 0.9375],
    ["exponential", 5, exponential, Math.LN2, 0.9375],
    ["exponential", 10, exponential, Math.LN2, 0.95],
    ["exponential", 20, exponential, Math.LN2, 0.95],
    ["uniform", 25, uniform, 0.5, 0.95],
  ] as const)("%s, %i samples", (_, size, draw, median, expected) => {
    const held = coverage(size, draw, median);
    expect(held).toBeGreaterThan(expected - 0.025);
    expect(held).toBeLessThan(expected + 0.03);
  });
});
