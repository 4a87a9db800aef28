/** VM-entry interruption information (SDM volume 3, "VM-Entry Controls for Event Injection"). */

const VALID = 0x8000_0000;
const DELIVER_ERROR_CODE = 0x800;
/** #DF and #AC: their error code is always zero, and that is what a vmcs12 is built with. */
const WITH_ZERO_ERROR_CODE = new Set([8, 17]);
/** External interrupt, NMI, hardware exception: what an entry can inject without further fields. */
const REPLAYED_TYPES = new Set([0, 2, 3]);

/**
 * What to write for an event that a capture shows at an entry. `none`: the entry injects nothing. `notReplayed`: software interrupts and
 * exceptions need an instruction length, and exceptions with an error code need the code; neither is in the capture.
 */
export function injectionOf(eventInjection: number | undefined): bigint | "none" | "notReplayed" {
  if (eventInjection === undefined || (eventInjection & VALID) === 0) return "none";
  const type = (eventInjection >>> 8) & 7;
  const hasUnknownCode =
    (eventInjection & DELIVER_ERROR_CODE) !== 0 && !WITH_ZERO_ERROR_CODE.has(eventInjection & 0xff);
  if (!REPLAYED_TYPES.has(type) || hasUnknownCode) return "notReplayed";
  return BigInt(eventInjection >>> 0);
}
