/** 64-bit values on the wire are bigints; the processor has them as two unsigned 32-bit halves. */

export function joined(low: number, high: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low);
}

export function lowHalf(value: bigint): number {
  return Number(BigInt.asUintN(32, value));
}

export function highHalf(value: bigint): number {
  return Number(BigInt.asUintN(32, value >> 32n));
}
