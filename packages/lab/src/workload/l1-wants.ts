/** VM-execution controls with which L1 asks for exits. A reason that needs none, because it always exits, is not listed. */
import { CR0_GUEST_HOST_MASK, EXCEPTION_BITMAP, PIN_BASED_CONTROLS, PROCESSOR_BASED_CONTROLS } from "./fields.js";
import type { FieldValue } from "./l1-vcpu.js";
import { VALID_GUEST_FIELDS } from "./valid-guest.js";

/** Basic exit reason → the bit to set (SDM volume 3, tables of VM-execution controls). */
const CONTROL_OF_REASON: Readonly<Record<number, readonly [encoding: number, bit: number]>> = {
  0: [EXCEPTION_BITMAP, 14],
  1: [PIN_BASED_CONTROLS, 0],
  7: [PROCESSOR_BASED_CONTROLS, 2],
  12: [PROCESSOR_BASED_CONTROLS, 7],
  14: [PROCESSOR_BASED_CONTROLS, 9],
  15: [PROCESSOR_BASED_CONTROLS, 11],
  16: [PROCESSOR_BASED_CONTROLS, 12],
  28: [CR0_GUEST_HOST_MASK, 3],
  29: [PROCESSOR_BASED_CONTROLS, 23],
  30: [PROCESSOR_BASED_CONTROLS, 24],
  36: [PROCESSOR_BASED_CONTROLS, 10],
  39: [PROCESSOR_BASED_CONTROLS, 29],
  40: [PROCESSOR_BASED_CONTROLS, 30],
  51: [PROCESSOR_BASED_CONTROLS, 12],
};

/** Fields of a vmcs12 whose L1 wants to see exits for these reasons. */
export function controlsFor(reasons: Iterable<number>): FieldValue[] {
  const values = new Map<number, bigint>();
  for (const reason of reasons) {
    const control = CONTROL_OF_REASON[reason];
    if (control === undefined) continue;
    const [encoding, bit] = control;
    values.set(encoding, (values.get(encoding) ?? usualValue(encoding)) | (1n << BigInt(bit)));
  }
  return [...values];
}

function usualValue(encoding: number): bigint {
  return VALID_GUEST_FIELDS.find(([known]) => known === encoding)?.[2] ?? 0n;
}
