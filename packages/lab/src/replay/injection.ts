/** VM-entry interruption information (SDM volume 3, "VM-Entry Controls for Event Injection"). */

const VALID = 0x8000_0000;
const DELIVER_ERROR_CODE = 0x800;
/** External interrupt, NMI, hardware exception: what an entry can inject without further fields. */
const REPLAYED_TYPES = new Set([0, 2, 3]);

/**
 * What to write for an event that a capture shows at an entry. `none`: the entry injects nothing. `notReplayed`: software interrupts and
 * exceptions need an instruction length, and exceptions with an error code need the code; neither is in the capture.
 */
export function injectionOf(eventInjection: number | undefined): bigint | "none" | "notReplayed" {
  if (eventInjection === undefined || (eventInjection & VALID) === 0) return "none";
  const type = (eventInjection >>> 8) & 7;
  if (!REPLAYED_TYPES.has(type) || (eventInjection & DELIVER_ERROR_CODE) !== 0) return "notReplayed";
  return BigInt(eventInjection >>> 0);
}
