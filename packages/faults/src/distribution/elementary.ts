/**
 * The natural logarithm and the exponential from +, -, * and / alone. Math.log and Math.exp may differ in their last bit between versions of a
 * JavaScript engine; these operations are exact by IEEE 754, so a seed means the same delays wherever it runs.
 *
 * Accuracy: a relative error below 1e-14 for both; for `exp` where the result is a normal number.
 */

/** ln 2 in two parts, as in Sun's fdlibm: multiples of the first up to 2^20 are exact. */
const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;
const TWO_54 = 18_014_398_509_481_984;

/** Terms of the series of the inverse hyperbolic tangent: the first that is left out is below 2^-57 for |s| <= 0.172. */
const LN_TERMS = 11;
/** Terms of the exponential series: the first that is left out is below 2^-57 for |r| <= 0.347. */
const EXP_TERMS = 14;

const EXP_MAX = 709.782712893384;
const EXP_MIN = -745.1332191019411;

const view = new DataView(new ArrayBuffer(8));

/** The natural logarithm: -Infinity at 0, NaN below. */
export function ln(x: number): number {
  if (x === 0) return Number.NEGATIVE_INFINITY;
  if (!(x > 0)) return Number.NaN;
  if (x === Number.POSITIVE_INFINITY) return x;
  // Subnormal numbers keep their exponent elsewhere.
  if (x < 2.2250738585072014e-308) return ln(x * TWO_54) - 54 * (LN2_HIGH + LN2_LOW);
  let exponent = exponentOf(x);
  let mantissa = x / powerOfTwo(exponent);
  if (mantissa > Math.SQRT2) {
    mantissa /= 2;
    exponent += 1;
  }
  // ln m = 2 artanh s = 2 (s + s^3/3 + s^5/5 + …)
  const s = (mantissa - 1) / (mantissa + 1);
  const square = s * s;
  let series = 0;
  for (let term = LN_TERMS; term >= 1; term--) series = (series + 1 / (2 * term + 1)) * square;
  return exponent * LN2_HIGH + (2 * s + (2 * s * series + exponent * LN2_LOW));
}

/** The exponential: Infinity above 709.78, 0 below -745.13. */
export function exp(x: number): number {
  if (Number.isNaN(x)) return x;
  if (x > EXP_MAX) return Number.POSITIVE_INFINITY;
  if (x < EXP_MIN) return 0;
  const exponent = Math.round(x * Math.LOG2E);
  const rest = x - exponent * LN2_HIGH - exponent * LN2_LOW;
  let series = 1;
  for (let term = EXP_TERMS; term >= 1; term--) series = 1 + (series * rest) / term;
  // In two steps, because 2^1024 and 2^-1074 are no normal numbers.
  const half = Math.trunc(exponent / 2);
  return series * powerOfTwo(half) * powerOfTwo(exponent - half);
}

/** Of a normal number: the n of 2^n <= x < 2^(n+1). */
function exponentOf(x: number): number {
  view.setFloat64(0, x);
  return ((view.getUint32(0) >>> 20) & 0x7ff) - 1_023;
}

/** 2^n for -1022 <= n <= 1023. */
function powerOfTwo(n: number): number {
  view.setUint32(0, (n + 1_023) << 20);
  view.setUint32(4, 0);
  return view.getFloat64(0);
}
