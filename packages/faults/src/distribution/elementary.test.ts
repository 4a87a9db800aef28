import fc from "fast-check";
import { expect, it } from "vitest";
import { exp, ln } from "./elementary.js";

const relative = (found: number, expected: number) =>
  expected === 0 ? Math.abs(found) : Math.abs(found / expected - 1);

it("ln agrees with the engine's to 1e-14 over all positive numbers, subnormal ones included", () => {
  const positive = fc.double({ min: Number.MIN_VALUE, noNaN: true, noDefaultInfinity: true });
  fc.assert(
    fc.property(positive, (x) => relative(ln(x), Math.log(x)) < 1e-14),
    { numRuns: 10_000 },
  );
});

it("ln is accurate where it is near 0, which is where an exponential delay is short", () => {
  fc.assert(
    fc.property(fc.double({ min: 0.5, max: 1.5, noNaN: true }), (x) => relative(ln(x), Math.log(x)) < 1e-14),
    { numRuns: 10_000 },
  );
  expect(ln(1)).toBe(0);
});

it("exp agrees with the engine's to 1e-14 wherever the result is normal", () => {
  fc.assert(
    fc.property(fc.double({ min: -708, max: 709.7, noNaN: true }), (x) => relative(exp(x), Math.exp(x)) < 1e-14),
    { numRuns: 10_000 },
  );
});

it.each([
  [0, Number.NEGATIVE_INFINITY],
  [-1, Number.NaN],
  [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
])("ln(%d)", (x, expected) => {
  expect(ln(x)).toBe(expected);
});

it.each([
  [0, 1],
  [710, Number.POSITIVE_INFINITY],
  [-746, 0],
  [Number.NEGATIVE_INFINITY, 0],
  [Number.NaN, Number.NaN],
])("exp(%d)", (x, expected) => {
  expect(exp(x)).toBe(expected);
});

it("ln and exp are frozen to the last bit", () => {
  expect([0.1, 0.3, 2, 3, 1e9].map(ln)).toMatchInlineSnapshot(`
    [
      -2.3025850929940455,
      -1.2039728043259361,
      0.6931471805599453,
      1.0986122886681098,
      20.72326583694641,
    ]
  `);
  expect([-1, 0.1, 1, 13.815510557964274].map(exp)).toMatchInlineSnapshot(`
    [
      0.36787944117144233,
      1.1051709180756477,
      2.7182818284590455,
      999999.9999999995,
    ]
  `);
});
