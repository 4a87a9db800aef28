import { type CpuModel, FIELDS, Field, type FieldInfo, type FieldStore } from "@vmcslab/vmx";
import { FieldValuesBuilder } from "../field-values.js";
import type { FieldValues } from "../interconnect/batch.js";
import { supportsField } from "./capabilities.js";
import { addTags, FLAT_SEGMENTS, hostState, l0Controls } from "./host-values.js";

const ALL_ONES = 0xffff_ffff_ffff_ffffn;
const PIN_PREEMPTION_TIMER = 1n << 6n;
const PRIMARY_TSC_OFFSETTING = 1n << 3n;
const PRIMARY_UNCONDITIONAL_IO = 1n << 24n;
const PRIMARY_USE_IO_BITMAPS = 1n << 25n;
const PRIMARY_USE_MSR_BITMAPS = 1n << 28n;
const PRIMARY_SECONDARY = 1n << 31n;
const EXIT_LOAD_PAT = 1n << 19n;
const EXIT_LOAD_EFER = 1n << 21n;
const INTERRUPTION_VALID = 1n << 31n;

/** What belongs to L2 as such and is copied from the vmcs12 as it stands. L0's own link pointer is never L1's. */
function isGuestState(field: FieldInfo, model: CpuModel): boolean {
  return (
    field.type === "guest" &&
    field.vmcs12 &&
    field.encoding !== Field.VMCS_LINK_POINTER &&
    supportsField(model, field.encoding)
  );
}

/** What of L2 an entry and an exit are about, for one model. */
export interface L2Fields {
  /** Copied from the vmcs12 at an entry. */
  readonly guestState: readonly number[];
  /** Read at an exit that L1 sees: the guest state, and what the exit leaves behind in the exit-information area. */
  readonly atExit: readonly number[];
}

const l2FieldsOf = new WeakMap<CpuModel, L2Fields>();

export function l2Fields(model: CpuModel): L2Fields {
  let fields = l2FieldsOf.get(model);
  if (fields === undefined) {
    const guestState = FIELDS.filter((field) => isGuestState(field, model)).map((field) => field.encoding);
    const information = FIELDS.filter((field) => isExitInformation(field, model)).map((field) => field.encoding);
    fields = { guestState, atExit: [...guestState, ...information] };
    l2FieldsOf.set(model, fields);
  }
  return fields;
}

function isExitInformation(field: FieldInfo, model: CpuModel): boolean {
  return (
    field.readOnly &&
    field.vmcs12 &&
    field.encoding !== Field.VM_INSTRUCTION_ERROR &&
    supportsField(model, field.encoding)
  );
}

/**
 * prepare_vmcs02: the host part from L0, the guest part from L1's vmcs12, and controls that give both what they asked for. Every field is written, whatever
 * the vmcs02 held before: it may come from another L2 (H4). L0 reads L1's bitmaps itself, so vmcs02 exits on every I/O and MSR access.
 */
export function prepareVmcs02(vmcs12: FieldStore, model: CpuModel, vcpu: number): FieldValues {
  const values = hostState();
  for (const encoding of l2Fields(model).guestState) values.copy(encoding, vmcs12);
  values.add(Field.VMCS_LINK_POINTER, ALL_ONES);
  addControls(values, vmcs12, model, vcpu);
  for (const encoding of COPIED_CONTROLS) values.copy(encoding, vmcs12);
  return values;
}

/** Controls that L0 has no wish of its own about. */
const COPIED_CONTROLS = [
  Field.EXCEPTION_BITMAP,
  Field.PAGE_FAULT_ERROR_CODE_MASK,
  Field.PAGE_FAULT_ERROR_CODE_MATCH,
  Field.CR0_GUEST_HOST_MASK,
  Field.CR4_GUEST_HOST_MASK,
  Field.CR0_READ_SHADOW,
  Field.CR4_READ_SHADOW,
  Field.VM_ENTRY_CONTROLS,
  Field.VM_ENTRY_INTR_INFO_FIELD,
  Field.VM_ENTRY_EXCEPTION_ERROR_CODE,
  Field.VM_ENTRY_INSTRUCTION_LEN,
] as const;

function addControls(values: FieldValuesBuilder, vmcs12: FieldStore, model: CpuModel, vcpu: number): void {
  const own = l0Controls(model);
  const pin = unsigned(own.pin) | (vmcs12.read(Field.PIN_BASED_VM_EXEC_CONTROL) & ~PIN_PREEMPTION_TIMER);
  const theirs = vmcs12.read(Field.CPU_BASED_VM_EXEC_CONTROL);
  const primary =
    (unsigned(own.primary) | theirs | PRIMARY_UNCONDITIONAL_IO) & ~(PRIMARY_USE_IO_BITMAPS | PRIMARY_USE_MSR_BITMAPS);
  values
    .add(Field.PIN_BASED_VM_EXEC_CONTROL, pin)
    .add(Field.CPU_BASED_VM_EXEC_CONTROL, primary)
    .add(Field.VM_EXIT_CONTROLS, unsigned(own.exit))
    .add(Field.TSC_OFFSET, (theirs & PRIMARY_TSC_OFFSETTING) === 0n ? 0n : vmcs12.read(Field.TSC_OFFSET))
    // L0 loads L1's MSR lists in software; hardware gets none.
    .add(Field.VM_ENTRY_MSR_LOAD_COUNT, 0n)
    .add(Field.VM_EXIT_MSR_LOAD_COUNT, 0n)
    .add(Field.VM_EXIT_MSR_STORE_COUNT, 0n)
    .add(Field.CR3_TARGET_COUNT, 0n);
  if ((primary & PRIMARY_SECONDARY) !== 0n) {
    const theirSecondary = (theirs & PRIMARY_SECONDARY) === 0n ? 0n : vmcs12.read(Field.SECONDARY_VM_EXEC_CONTROL);
    values.add(Field.SECONDARY_VM_EXEC_CONTROL, unsigned(own.secondary) | theirSecondary);
  }
  addTags(values, own, vcpu, 2);
}

/**
 * load_vmcs12_host_state: L1 goes on where its vmcs12 says a VM exit lands (SDM 27.5), so vmcs01's guest state takes vmcs12's host state.
 */
export function loadL1HostState(vmcs12: FieldStore): FieldValues {
  const values = new FieldValuesBuilder(FLAT_SEGMENTS);
  for (const [guest, host] of HOST_TO_GUEST) values.copyAs(guest, host, vmcs12);
  const exitControls = vmcs12.read(Field.VM_EXIT_CONTROLS);
  if ((exitControls & EXIT_LOAD_PAT) !== 0n) values.add(Field.GUEST_IA32_PAT, vmcs12.read(Field.HOST_IA32_PAT));
  if ((exitControls & EXIT_LOAD_EFER) !== 0n) values.add(Field.GUEST_IA32_EFER, vmcs12.read(Field.HOST_IA32_EFER));
  return values
    .add(Field.GUEST_IA32_DEBUGCTL, 0n)
    .add(Field.GUEST_INTERRUPTIBILITY_INFO, 0n)
    .add(Field.GUEST_ACTIVITY_STATE, 0n)
    .add(Field.GUEST_PENDING_DBG_EXCEPTIONS, 0n)
    .add(Field.VM_ENTRY_INTR_INFO_FIELD, 0n);
}

const HOST_TO_GUEST: readonly (readonly [guest: number, host: number])[] = [
  [Field.GUEST_CR0, Field.HOST_CR0],
  [Field.GUEST_CR3, Field.HOST_CR3],
  [Field.GUEST_CR4, Field.HOST_CR4],
  [Field.GUEST_RIP, Field.HOST_RIP],
  [Field.GUEST_RSP, Field.HOST_RSP],
  [Field.GUEST_ES_SELECTOR, Field.HOST_ES_SELECTOR],
  [Field.GUEST_CS_SELECTOR, Field.HOST_CS_SELECTOR],
  [Field.GUEST_SS_SELECTOR, Field.HOST_SS_SELECTOR],
  [Field.GUEST_DS_SELECTOR, Field.HOST_DS_SELECTOR],
  [Field.GUEST_FS_SELECTOR, Field.HOST_FS_SELECTOR],
  [Field.GUEST_GS_SELECTOR, Field.HOST_GS_SELECTOR],
  [Field.GUEST_TR_SELECTOR, Field.HOST_TR_SELECTOR],
  [Field.GUEST_FS_BASE, Field.HOST_FS_BASE],
  [Field.GUEST_GS_BASE, Field.HOST_GS_BASE],
  [Field.GUEST_TR_BASE, Field.HOST_TR_BASE],
  [Field.GUEST_GDTR_BASE, Field.HOST_GDTR_BASE],
  [Field.GUEST_IDTR_BASE, Field.HOST_IDTR_BASE],
  [Field.GUEST_SYSENTER_CS, Field.HOST_IA32_SYSENTER_CS],
  [Field.GUEST_SYSENTER_ESP, Field.HOST_IA32_SYSENTER_ESP],
  [Field.GUEST_SYSENTER_EIP, Field.HOST_IA32_SYSENTER_EIP],
];

/** An injected event is delivered once: an exit clears the valid bit (SDM 27.2, prepare_vmcs12). */
export function consumeInjectedEvent(vmcs12: FieldStore): void {
  const info = vmcs12.read(Field.VM_ENTRY_INTR_INFO_FIELD);
  vmcs12.write(Field.VM_ENTRY_INTR_INFO_FIELD, info & ~INTERRUPTION_VALID);
}

function unsigned(control: number): bigint {
  return BigInt(control >>> 0);
}
