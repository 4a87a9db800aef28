/**
 * Values of a capture that no guest of ours can have: a tool that misread a field, a kernel that printed another layout. Written to a
 * vmcs12, they would fail its entry, and the fault would look like L0's.
 */

/** Bits of a linear address on every CPU model. */
const LINEAR_ADDRESS_WIDTH = 48;

const VALID = 0x8000_0000;
const DELIVER_ERROR_CODE = 0x800;
const RESERVED = 0x7fff_f000;
const HARDWARE_EXCEPTION = 3;
const NMI = 2;
const NMI_VECTOR = 2;
const EXCEPTION_VECTOR_MAX = 31;
/** Exceptions that push an error code: #DF, #TS, #NP, #SS, #GP, #PF, #AC, #CP. */
const WITH_ERROR_CODE: ReadonlySet<number> = new Set([8, 10, 11, 12, 13, 14, 17, 21]);
/** Of those, the ones whose error code is zero whenever they happen. */
const WITH_ZERO_ERROR_CODE: ReadonlySet<number> = new Set([8, 17]);

/** The note for a RIP that a 64-bit guest cannot have; undefined when it can. */
export function leftOutRip(rip: bigint | undefined): string | undefined {
  if (rip === undefined || BigInt.asUintN(64, BigInt.asIntN(LINEAR_ADDRESS_WIDTH, rip)) === rip) return undefined;
  return "left out: a RIP that is not canonical; L2 keeps the one it has";
}

export interface SettledInjection {
  /** What to inject; undefined: nothing. */
  readonly value?: number;
  /** What was done to the captured value, if anything was. */
  readonly note?: string;
}

/** The captured interruption information as the checks of an entry take it (SDM volume 3, "Checks on VMX Controls"). */
export function settledInjection(captured: number | undefined): SettledInjection | undefined {
  if (captured === undefined || (captured & VALID) === 0) return undefined;
  const type = (captured >>> 8) & 7;
  const vector = captured & 0xff;
  if ((captured & RESERVED) !== 0) return { note: "left out: an event injected at an entry, with reserved bits set" };
  if (type === NMI && vector !== NMI_VECTOR)
    return { note: "left out: an NMI injected at an entry, with another vector than 2" };
  if (type !== HARDWARE_EXCEPTION) return { value: captured };
  if (vector > EXCEPTION_VECTOR_MAX)
    return { note: "left out: an exception injected at an entry, with a vector above 31" };
  return settledException(captured, vector);
}

function settledException(captured: number, vector: number): SettledInjection {
  const hasErrorCode = (captured & DELIVER_ERROR_CODE) !== 0;
  if (hasErrorCode === WITH_ERROR_CODE.has(vector) && !WITH_ZERO_ERROR_CODE.has(vector)) return { value: captured };
  if (hasErrorCode && !WITH_ERROR_CODE.has(vector)) {
    return { note: "left out: an exception injected at an entry, with an error code that it does not have" };
  }
  if (!WITH_ZERO_ERROR_CODE.has(vector)) {
    return { note: "left out: an exception injected at an entry, without the error code that it must have" };
  }
  return {
    value: (captured | DELIVER_ERROR_CODE) >>> 0,
    note: "the error code of an injected #DF or #AC is 0, which it always is",
  };
}
