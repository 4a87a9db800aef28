import { type CpuModel, Field } from "@vmcslab/vmx";
import { FieldValuesBuilder } from "../field-values.js";
import type { FieldValues } from "../interconnect/batch.js";
import { controlsFor } from "./capabilities.js";

/** Bits of the control fields that L0 uses, SDM 24.6 to 24.8. */
const PIN_EXTERNAL_INTERRUPT = 1 << 0;
const PIN_NMI = 1 << 3;
const PRIMARY_HLT = 1 << 7;
const PRIMARY_SECONDARY = 0x8000_0000;
const SECONDARY_EPT = 1 << 1;
const SECONDARY_VPID = 1 << 5;
const EXIT_HOST_64_BIT = 1 << 9;
const ENTRY_GUEST_64_BIT = 1 << 9;

const ALL_ONES = 0xffff_ffff_ffff_ffffn;
/** Write-back, page-walk length 4: SDM table 24-9. */
const EPTP_WRITE_BACK_4_LEVELS = 0x1en;
const EPT_ROOTS = 0x8000_0000n;

/** L0's own registers, as every VMCS it builds has them in its host-state area. What differs between CPUs is written at each load. */
export function hostState(): FieldValuesBuilder {
  return new FieldValuesBuilder(HOST_STATE);
}

const HOST_STATE: FieldValues = new FieldValuesBuilder()
  .add(Field.HOST_CR0, 0x8005_0033n)
  .add(Field.HOST_CR3, 0x0200_0000n)
  .add(Field.HOST_CR4, 0x0000_2020n)
  .add(Field.HOST_CS_SELECTOR, 0x10n)
  .add(Field.HOST_SS_SELECTOR, 0x18n)
  .add(Field.HOST_TR_SELECTOR, 0x40n)
  .add(Field.HOST_IDTR_BASE, 0xffff_fe00_0000_0000n)
  .add(Field.HOST_RIP, 0xffff_ffff_8100_0000n)
  .add(Field.HOST_RSP, 0xffff_c900_0000_3f00n);

/** The controls under which L0 runs L1, and that every vmcs02 has too. */
export interface L0Controls {
  readonly pin: number;
  readonly primary: number;
  readonly secondary: number;
  readonly exit: number;
  readonly entry: number;
}

export function l0Controls(model: CpuModel): L0Controls {
  const primary = controlsFor(model, "primary", PRIMARY_HLT | PRIMARY_SECONDARY);
  return {
    pin: controlsFor(model, "pin", PIN_EXTERNAL_INTERRUPT | PIN_NMI),
    primary,
    secondary:
      (primary & PRIMARY_SECONDARY) === 0 ? 0 : controlsFor(model, "secondary", SECONDARY_EPT | SECONDARY_VPID),
    exit: controlsFor(model, "exit", EXIT_HOST_64_BIT),
    entry: controlsFor(model, "entry", ENTRY_GUEST_64_BIT),
  };
}

/** Tags that keep one guest's translations from another's: vpid01 and vpid02 of a vcpu, and the root of its (shadow) EPT. */
export function addTags(values: FieldValuesBuilder, controls: L0Controls, vcpu: number, level: 1 | 2): void {
  if ((controls.secondary & SECONDARY_VPID) !== 0) {
    values.add(Field.VIRTUAL_PROCESSOR_ID, BigInt(((2 * vcpu + level - 1) % 0xffff) + 1));
  }
  if ((controls.secondary & SECONDARY_EPT) !== 0) {
    const root = EPT_ROOTS + BigInt((2 * vcpu + level) % 0x7_0000) * 0x1000n;
    values.add(Field.EPT_POINTER, root | EPTP_WRITE_BACK_4_LEVELS);
  }
}

/** A new vmcs01: L0's host state and controls, and L1 as a 64-bit kernel about to run. */
export function initialVmcs01(model: CpuModel, vcpu: number): FieldValues {
  const controls = l0Controls(model);
  const values = hostState();
  values
    .add(Field.PIN_BASED_VM_EXEC_CONTROL, BigInt(controls.pin >>> 0))
    .add(Field.CPU_BASED_VM_EXEC_CONTROL, BigInt(controls.primary >>> 0))
    .add(Field.VM_EXIT_CONTROLS, BigInt(controls.exit >>> 0))
    .add(Field.VM_ENTRY_CONTROLS, BigInt(controls.entry >>> 0))
    .add(Field.VMCS_LINK_POINTER, ALL_ONES);
  if (controls.secondary !== 0) values.add(Field.SECONDARY_VM_EXEC_CONTROL, BigInt(controls.secondary >>> 0));
  addTags(values, controls, vcpu, 1);
  addAll(values, FLAT_SEGMENTS);
  return values
    .add(Field.GUEST_CR0, 0x8000_0031n)
    .add(Field.GUEST_CR3, 0x0010_0000n)
    .add(Field.GUEST_CR4, 0x0000_2020n)
    .add(Field.CR0_READ_SHADOW, 0x8000_0031n)
    .add(Field.CR4_READ_SHADOW, 0x0000_2020n)
    .add(Field.GUEST_CS_SELECTOR, 0x10n)
    .add(Field.GUEST_SS_SELECTOR, 0x18n)
    .add(Field.GUEST_TR_SELECTOR, 0x40n)
    .add(Field.GUEST_RIP, 0xffff_ffff_8100_0000n)
    .add(Field.GUEST_RSP, 0xffff_c900_0001_3f00n);
}

function addAll(values: FieldValuesBuilder, more: FieldValues): void {
  values.encodings.push(...more.encodings);
  values.low.push(...more.low);
  values.high.push(...more.high);
}

const DATA_SEGMENTS: readonly (readonly [limit: number, rights: number])[] = [
  [Field.GUEST_ES_LIMIT, Field.GUEST_ES_AR_BYTES],
  [Field.GUEST_SS_LIMIT, Field.GUEST_SS_AR_BYTES],
  [Field.GUEST_DS_LIMIT, Field.GUEST_DS_AR_BYTES],
  [Field.GUEST_FS_LIMIT, Field.GUEST_FS_AR_BYTES],
  [Field.GUEST_GS_LIMIT, Field.GUEST_GS_AR_BYTES],
];

/** The descriptor parts of a flat 64-bit kernel's segments (SDM 26.3.1.2), and what else a VM exit leaves in a fixed state (27.5). */
export const FLAT_SEGMENTS: FieldValues = flatSegments();

function flatSegments(): FieldValues {
  const values = new FieldValuesBuilder()
    .add(Field.GUEST_CS_LIMIT, 0xffff_ffffn)
    .add(Field.GUEST_CS_AR_BYTES, 0xa09bn)
    .add(Field.GUEST_CS_BASE, 0n);
  for (const [limit, rights] of DATA_SEGMENTS) values.add(limit, 0xffff_ffffn).add(rights, 0xc093n);
  return values
    .add(Field.GUEST_LDTR_AR_BYTES, 0x1_0000n)
    .add(Field.GUEST_TR_LIMIT, 0x67n)
    .add(Field.GUEST_TR_AR_BYTES, 0x8bn)
    .add(Field.GUEST_GDTR_LIMIT, 0xffffn)
    .add(Field.GUEST_IDTR_LIMIT, 0xffffn)
    .add(Field.GUEST_DR7, 0x400n)
    .add(Field.GUEST_RFLAGS, 2n);
}
