import fc from "fast-check";
import { expect, it } from "vitest";
import { histogramOf } from "./histogram.js";

const values = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 20 }), fc.maxSafeNat()), { minLength: 1 })
  .map((drawn) => Float64Array.from(drawn).sort());

it("counts every value once, in bins that touch and rise from the least to the greatest", () => {
  fc.assert(
    fc.property(values, (sorted) => {
      const bins = histogramOf(sorted);
      expect(bins.reduce((sum, { count }) => sum + count, 0)).toBe(sorted.length);
      expect(bins[0]?.from).toBe(sorted[0]);
      expect(bins.at(-1)?.to).toBe(sorted.at(-1));
      for (const [index, { from, to, count }] of bins.entries()) {
        if (index > 0) expect(from).toBe(bins[index - 1]?.to);
        const isLast = index === bins.length - 1;
        expect(count).toBe(sorted.filter((value) => value >= from && (value < to || (isLast && value === to))).length);
        if (bins.length > 1) expect(to).toBeGreaterThan(from);
      }
    }),
  );
});

it("has bins of equal width on a logarithmic scale", () => {
  const bins = histogramOf(Float64Array.from([1, 2 ** 32]));
  expect(bins.map(({ to }) => to)).toEqual(Array.from({ length: 16 }, (_, index) => 4 ** (index + 1)));
});
