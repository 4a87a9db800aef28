import { VMCS12_REVISION } from "@vmcslab/nested";
import { Field, FieldStore, type Memory } from "@vmcslab/vmx";

/**
 * Fields of a vmcs12 with which an entry succeeds: a 64-bit guest and a 64-bit host; those that are not here are 0. These are the VMWRITEs of the bare-metal program whose runs on Bochs 2.7
 * (model corei7_sandy_bridge_2600k) are vmcslab's conformance data, with the values recorded there.
 */
export const VALID_L2: readonly (readonly [encoding: number, value: bigint])[] = [
  [0x4000, 0x16n],
  [0x4002, 0x401e1f2n],
  [0x400c, 0x36fffn],
  [0x4012, 0x13ffn],
  [0x6004, 0x80000031n],
  [0x6006, 0x2020n],
  [0x6c00, 0x80000031n],
  [0x6c02, 0x140000n],
  [0x6c04, 0x2020n],
  [0x0c00, 0x10n],
  [0x0c02, 0x8n],
  [0x0c04, 0x10n],
  [0x0c06, 0x10n],
  [0x0c0c, 0x30n],
  [0x6c0a, 0x15b000n],
  [0x6c0c, 0x1005c0n],
  [0x6c0e, 0x15b090n],
  [0x6c14, 0x15e090n],
  [0x6c16, 0x100246n],
  [0x2800, 0xffffffffffffffffn],
  [0x6800, 0x80000031n],
  [0x6802, 0x140000n],
  [0x6804, 0x2020n],
  [0x681a, 0x400n],
  [0x0800, 0x10n],
  [0x4800, 0xffffffffn],
  [0x4814, 0xc093n],
  [0x0802, 0x8n],
  [0x4802, 0xffffffffn],
  [0x4816, 0xa09bn],
  [0x0804, 0x10n],
  [0x4804, 0xffffffffn],
  [0x4818, 0xc093n],
  [0x0806, 0x10n],
  [0x4806, 0xffffffffn],
  [0x481a, 0xc093n],
  [0x0808, 0x10n],
  [0x4808, 0xffffffffn],
  [0x481c, 0xc093n],
  [0x080a, 0x10n],
  [0x480a, 0xffffffffn],
  [0x481e, 0xc093n],
  [0x4820, 0x10000n],
  [0x080e, 0x30n],
  [0x480e, 0x67n],
  [0x4822, 0x8bn],
  [0x6814, 0x15b000n],
  [0x6816, 0x1005c0n],
  [0x4810, 0xffffn],
  [0x6818, 0x15b090n],
  [0x4812, 0xffffn],
  [0x681c, 0x15e090n],
  [0x681e, 0x10049en],
  [0x6820, 0x2n],
];

const VALID_FIELDS = validFields();

function validFields(): FieldStore {
  const fields = new FieldStore();
  for (const [encoding, value] of VALID_L2) fields.write(encoding, value);
  return fields;
}

/** Where L1 keeps its VMXON region and its vmcs12s, guest-physical. */
export const VMXON_REGION = 0x1000;
const FIRST_VMCS12 = 0x3000;
const PAGE_BYTES = 0x1000;

export function vmcs12Address(guest: number): number {
  return FIRST_VMCS12 + guest * PAGE_BYTES;
}

/**
 * L1 builds the vmcs12 of a guest, by ordinary stores into its own memory: they are no business of L0's, and cost nothing. Every guest starts somewhere else, with
 * descriptor tables of its own, and each that is built at one address (the `build`-th of all) has other tables than the one before, so that mixing two of them up shows.
 */
export function storeVmcs12(memory: Memory, guest: number, build: number): void {
  const address = vmcs12Address(guest);
  const fields = new FieldStore();
  fields.copyFrom(VALID_FIELDS);
  fields.write(Field.GUEST_RIP, 0x10_0000n + BigInt(guest) * 0x1000n);
  fields.write(Field.GUEST_GDTR_BASE, 0x15_b090n + BigInt(guest) * 0x1000n);
  fields.write(Field.GUEST_IDTR_BASE, 0x15_e090n + BigInt(build) * 0x1000n);
  memory.write32(address, VMCS12_REVISION);
  memory.writeImage(address, fields);
  memory.writeLaunched(address, false);
}
