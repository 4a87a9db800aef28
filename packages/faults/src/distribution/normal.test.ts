import fc from "fast-check";
import { expect, it } from "vitest";
import { normalQuantile } from "./normal.js";

// Wichura's own three check values, and published percentage points.
it.each([
  [0.25, -0.6744897501960817],
  [0.001, -3.090232306167813],
  [1e-20, -9.262340089798409],
  [0.975, 1.959963984540054],
  [0.99, 2.3263478740408408],
  [0.5, 0],
])("of %d is %d", (p, z) => {
  expect(Math.abs(normalQuantile(p) - z)).toBeLessThan(1e-14 * Math.max(1, Math.abs(z)));
});

it("has no end at 0 and 1", () => {
  expect([0, 1].map(normalQuantile)).toEqual([Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]);
});

it("rises, and is symmetric about the median", () => {
  const share = fc.integer({ min: 1, max: 2 ** 20 - 1 }).map((n) => n / 2 ** 20);
  fc.assert(
    fc.property(share, share, (p, q) => {
      expect(normalQuantile(1 - p)).toBe(-normalQuantile(p));
      if (p < q) expect(normalQuantile(p)).toBeLessThan(normalQuantile(q));
    }),
  );
});
