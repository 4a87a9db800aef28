import type { L1Instruction } from "@vmcslab/nested";
import { VALID_GUEST_FIELDS } from "./valid-guest.js";

/** KVM's software format of a vmcs12, as L1 finds it in IA32_VMX_BASIC. */
export const VMCS12_REVISION = 0x11e57ed0;

/**
 * What L1 executes to build a vmcs12 at `addr` (guest-physical) that can be entered: the revision identifier, VMCLEAR, VMPTRLD, and the VMWRITEs of a
 * valid 64-bit guest, with `fields` over them.
 */
export function vmcs12Instructions(
  addr: bigint,
  fields: readonly (readonly [encoding: number, value: bigint])[] = [],
): L1Instruction[] {
  const values = new Map([...VALID_GUEST_FIELDS.map(([encoding, , value]) => [encoding, value] as const), ...fields]);
  return [
    { op: "write32", addr, value: VMCS12_REVISION },
    { op: "vmclear", addr },
    { op: "vmptrld", addr },
    ...[...values].map(([encoding, value]): L1Instruction => ({ op: "vmwrite", field: BigInt(encoding), value })),
  ];
}
