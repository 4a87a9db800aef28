import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RandomStream } from "../random/random-stream.js";
import type { Distribution } from "./distribution.js";
import { mean, quantile, sampler } from "./quantile.js";

const MS = 1_000_000;

const time = fc.integer({ min: 1, max: 1e12 });
const distributions: fc.Arbitrary<Distribution> = fc.oneof(
  time.map((constant) => ({ constant })),
  fc.tuple(time, time).map(([min, more]) => ({ uniform: { min, max: min + more } })),
  time.map((mean) => ({ exponential: { mean } })),
  fc.tuple(time, fc.integer({ min: 1, max: 1_000 })).map(([p50, times]) => ({ logNormal: { p50, p99: p50 * times } })),
  fc.tuple(time, fc.double({ min: 0.1, max: 20, noNaN: true })).map(([scale, shape]) => ({ pareto: { scale, shape } })),
  fc.array(time, { minLength: 1 }).map((samples) => ({ empirical: samples.sort((left, right) => left - right) })),
);
const share = fc.double({ min: 0, max: 1, noNaN: true });

const near = (found: number, expected: number) => Math.abs(found / expected - 1);

describe("a quantile", () => {
  it.each<[Distribution, number, number]>([
    [{ constant: 5 * MS }, 0.99, 5 * MS],
    [{ uniform: { min: MS, max: 2 * MS } }, 0.25, 1.25 * MS],
    [{ exponential: { mean: MS } }, 0.5, 693_147.1805599453],
    [{ logNormal: { p50: MS, p99: 20 * MS } }, 0.5, MS],
    [{ logNormal: { p50: MS, p99: 20 * MS } }, 0.99, 20 * MS],
    [{ logNormal: { p50: MS, p99: 20 * MS } }, 0.01, 0.05 * MS],
    [{ pareto: { scale: MS, shape: 2 } }, 0.99, 10 * MS],
    [{ empirical: [10, 20, 40] }, 0.5, 20],
    [{ empirical: [10, 20, 40] }, 0.75, 30],
    [{ empirical: [7] }, 0.3, 7],
  ])("of %j at %d is %d", (distribution, p, expected) => {
    expect(near(quantile(distribution, p), expected)).toBeLessThan(1e-13);
  });

  it("never falls, and is never negative", () => {
    fc.assert(
      fc.property(distributions, share, share, (distribution, p, q) => {
        const [low, high] = [Math.min(p, q), Math.max(p, q)].map((at) => quantile(distribution, at));
        expect(low).toBeGreaterThanOrEqual(0);
        // The last bits may fall between neighbouring shares.
        expect((high ?? 0) * (1 + 1e-14)).toBeGreaterThanOrEqual(low ?? 0);
      }),
    );
  });

  it("at 1 is Infinity where there is no bound", () => {
    expect(quantile({ exponential: { mean: 1 } }, 1)).toBe(Number.POSITIVE_INFINITY);
    expect(quantile({ uniform: { min: 1, max: 3 } }, 1)).toBe(3);
  });
});

describe("a sample", () => {
  it("is a whole number of nanoseconds, whatever the distribution", () => {
    fc.assert(
      fc.property(distributions, fc.string(), (distribution, seed) => {
        const drawn = sampler(distribution)(new RandomStream(seed));
        expect(Number.isSafeInteger(drawn)).toBe(true);
        expect(drawn).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it("is frozen: a seed means the same delays for ever", () => {
    const kinds: Distribution[] = [
      { uniform: { min: MS, max: 2 * MS } },
      { exponential: { mean: MS } },
      { logNormal: { p50: MS, p99: 20 * MS } },
      { pareto: { scale: MS, shape: 1.5 } },
      { empirical: [10, 20, 4_000] },
    ];
    const drawn = kinds.map((kind) => {
      const random = new RandomStream("7");
      const draw = sampler(kind);
      return [draw(random), draw(random), draw(random)];
    });
    expect(drawn).toMatchInlineSnapshot(`
      [
        [
          1719454,
          1544613,
          1811610,
        ],
        [
          1271018,
          786608,
          1669243,
        ],
        [
          2113745,
          1155239,
          3121035,
        ],
        [
          2333444,
          1689453,
          3042954,
        ],
        [
          1767,
          375,
          2500,
        ],
      ]
    `);
  });

  it.each<Distribution>([
    { uniform: { min: MS, max: 2 * MS } },
    { exponential: { mean: MS } },
    { logNormal: { p50: MS, p99: 4 * MS } },
    { pareto: { scale: MS, shape: 6 } },
    { empirical: [MS, 2 * MS, 9 * MS] },
  ])("of many has the mean and the quantiles that are promised: %j", (distribution) => {
    const random = new RandomStream("a");
    const draw = sampler(distribution);
    const drawn = Array.from({ length: 50_000 }, () => draw(random)).sort((left, right) => left - right);
    expect(near(drawn.reduce((sum, ns) => sum + ns, 0) / drawn.length, mean(distribution) ?? 0)).toBeLessThan(0.03);
    for (const p of [0.1, 0.5, 0.9, 0.99])
      expect(near(drawn[p * drawn.length] ?? 0, quantile(distribution, p)), `p${p}`).toBeLessThan(0.06);
  });
});

describe("the mean", () => {
  it("of a Pareto distribution is missing with a shape of 1 or less", () => {
    expect(mean({ pareto: { scale: 10, shape: 1 } })).toBeUndefined();
    expect(mean({ pareto: { scale: 10, shape: 2 } })).toBe(20);
  });

  it("of a sample of one is that", () => {
    expect(mean({ empirical: [7] })).toBe(7);
    expect(mean({ empirical: [10, 20, 40] })).toBe(22.5);
  });
});
