/** Tests on values that the rules share. Values come as unsigned halves. */
import type { EntryContext } from "./context.js";

/** Bits 63:48 all equal bit 47, that is, bits 31:15 of the upper half are alike. */
export function isCanonical(high: number): boolean {
  const top = high >>> 15;
  return top === 0 || top === 0x1ffff;
}

export function isCanonicalField(context: EntryContext, encoding: number): boolean {
  return isCanonical(context.high(encoding));
}

/** Bits from the physical-address width upwards are 0. */
export function isWithinPhysicalWidth(context: EntryContext, high: number): boolean {
  return high <= context.physicalHighMax;
}

/**
 * A physical address in a field: multiple of `alignment` bytes (a power of two), no wider than the processor allows.
 */
export function isPhysicalAddress(context: EntryContext, encoding: number, alignment: number): boolean {
  return (context.low(encoding) & (alignment - 1)) === 0 && isWithinPhysicalWidth(context, context.high(encoding));
}

/** Each byte is a memory type that IA32_PAT accepts: 0 UC, 1 WC, 4 WT, 5 WP, 6 WB, 7 UC-. */
export function isPat(low: number, high: number): boolean {
  return hasPatBytes(low) && hasPatBytes(high);
}

function hasPatBytes(half: number): boolean {
  for (let shift = 0; shift < 32; shift += 8) {
    const type = (half >>> shift) & 0xff;
    if (type > 7 || type === 2 || type === 3) return false;
  }
  return true;
}

/** A field's value as an address; exact below 2^53. */
export function addressOf(context: EntryContext, encoding: number): number {
  return context.high(encoding) * 0x1_0000_0000 + context.low(encoding);
}
