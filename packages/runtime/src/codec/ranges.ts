/** What numbers on the wire may be. Each throws InvalidMessage with the field, the value and the range. */
import type { Limit } from "../limits.js";
import { InvalidMessage } from "./invalid-message.js";

/** Pages and VMCS regions: 4 KiB. */
const REGION_BYTES = 4096n;
/** The widest physical address of the architecture. */
const PHYSICAL_BITS_MAX = 52n;

/** A number from `min` to `max`. */
export function between(value: number, min: number, max: number, what: string): number {
  if (value >= min && value <= max) return value;
  throw new InvalidMessage(`${what} ${value} is not from ${min} to ${max}`);
}

/** How many there are of something: as many as the limit says, at most. */
export function checkCount(count: number, { max }: Limit, what: string, min = 0): void {
  if (count >= min && count <= max) return;
  throw new InvalidMessage(
    min === 0 ? `${count} ${what}: at most ${max}` : `${count} ${what}: ${min} to ${max} at a time`,
  );
}

/** Host-physical address of a VMCS or VMXON region. */
export function regionAddress(address: bigint, what: string): number {
  if (address % REGION_BYTES !== 0n)
    throw new InvalidMessage(`${what} 0x${address.toString(16)} is not a multiple of 4096`);
  if (address >> PHYSICAL_BITS_MAX !== 0n)
    throw new InvalidMessage(`${what} 0x${address.toString(16)} has more than ${PHYSICAL_BITS_MAX} bits`);
  return Number(address);
}
