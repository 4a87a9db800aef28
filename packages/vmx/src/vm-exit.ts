/**
 * VM exits: SDM chapter 27. Exit information goes into the current VMCS, host state into the processor, and root
 * operation goes on.
 */
import { EntryControl, ExitControl, INTERRUPTION_VALID } from "./control-bits.js";
import { ENTRY_FAILURE } from "./exit-reasons.js";
import { Field } from "./field-encodings.js";
import { fieldIndex } from "./fields.js";
import type { Instruction } from "./instruction.js";
import { invariant } from "./invariant.js";
import { Status } from "./outcome.js";
import { type ProcessorState, VmxMode } from "./processor-state.js";
import type { CachedVmcs } from "./vmcs-cache.js";

const EXIT_REASON = fieldIndex(Field.VM_EXIT_REASON);
const QUALIFICATION = fieldIndex(Field.EXIT_QUALIFICATION);
const INTR_INFO = fieldIndex(Field.VM_EXIT_INTR_INFO);
const IDT_VECTORING = fieldIndex(Field.IDT_VECTORING_INFO_FIELD);
const INSTRUCTION_LENGTH = fieldIndex(Field.VM_EXIT_INSTRUCTION_LEN);
const INSTRUCTION_INFO = fieldIndex(Field.VMX_INSTRUCTION_INFO);
const ENTRY_INTR_INFO = fieldIndex(Field.VM_ENTRY_INTR_INFO_FIELD);
const ENTRY_CONTROLS = fieldIndex(Field.VM_ENTRY_CONTROLS);
const EXIT_CONTROLS = fieldIndex(Field.VM_EXIT_CONTROLS);
const GUEST_CR0 = fieldIndex(Field.GUEST_CR0);
const GUEST_DR7 = fieldIndex(Field.GUEST_DR7);
const GUEST_DEBUGCTL = fieldIndex(Field.GUEST_IA32_DEBUGCTL);
const HOST_CR0 = fieldIndex(Field.HOST_CR0);
const HOST_CR4 = fieldIndex(Field.HOST_CR4);

/**
 * CR0 bits that neither VM entry nor VM exit changes: ET, NW, CD, and the reserved 15:6, 17, 28:19 (SDM 26.3.2.1,
 * 27.5.1).
 */
export const CR0_UNCHANGED = 0x7ffaffd0;
/** DR7 after a VM exit (SDM 27.5.1). */
const HOST_DR7 = 0x400;
const DR7_ALWAYS_CLEAR = 0xd000;

/** A VMX instruction that is executed in non-root operation. */
export function exitForInstruction(cpu: ProcessorState, instruction: Instruction, reason: number): void {
  const vmcs = guestVmcs(cpu);
  write(vmcs, INSTRUCTION_INFO, instruction.information, 0);
  leaveGuest(cpu, vmcs, reason, instruction.qualificationLow, instruction.qualificationHigh, 0, instruction.length);
}

/** Any other exit that is not for an interrupt. */
export function exitFromGuest(
  cpu: ProcessorState,
  reason: number,
  qualificationLow: number,
  qualificationHigh: number,
): void {
  leaveGuest(cpu, guestVmcs(cpu), reason, qualificationLow, qualificationHigh, 0, 0);
}

/** Exit for an exception or an interrupt; `information` is 0 when the vector was not acknowledged. */
export function exitForEvent(cpu: ProcessorState, reason: number, information: number): void {
  leaveGuest(cpu, guestVmcs(cpu), reason, 0, 0, information, 0);
}

function guestVmcs(cpu: ProcessorState): CachedVmcs {
  invariant(cpu.current !== undefined && cpu.mode === VmxMode.nonRoot, "a guest runs on a current VMCS", {
    cpu: cpu.cpu,
  });
  return cpu.current;
}

function leaveGuest(
  cpu: ProcessorState,
  vmcs: CachedVmcs,
  reason: number,
  qualificationLow: number,
  qualificationHigh: number,
  interruption: number,
  length: number,
): void {
  write(vmcs, EXIT_REASON, reason, 0);
  write(vmcs, QUALIFICATION, qualificationLow, qualificationHigh);
  write(vmcs, INTR_INFO, interruption, 0);
  write(vmcs, IDT_VECTORING, 0, 0);
  write(vmcs, INSTRUCTION_LENGTH, length, 0);
  consumeInjection(vmcs);
  saveGuestState(cpu, vmcs);
  loadHostState(cpu, vmcs);
  report(cpu, reason, qualificationLow, qualificationHigh, false);
}

/**
 * SDM 26.7: a VM-entry failure loads host state and says why; nothing else changes in the VMCS. With one choice: when
 * the caller gives the length of the VMLAUNCH or VMRESUME, the instruction-length field gets it, as on the emulator
 * that the conformance data comes from, although 26.7 calls the other fields unmodified.
 */
export function failEntry(
  cpu: ProcessorState,
  vmcs: CachedVmcs,
  reason: number,
  qualification: number,
  length: number,
): void {
  write(vmcs, EXIT_REASON, (reason | ENTRY_FAILURE) >>> 0, 0);
  write(vmcs, QUALIFICATION, qualification, 0);
  if (length !== 0) write(vmcs, INSTRUCTION_LENGTH, length, 0);
  loadHostState(cpu, vmcs);
  report(cpu, reason, qualification, 0, true);
}

function report(
  cpu: ProcessorState,
  reason: number,
  qualificationLow: number,
  qualificationHigh: number,
  entryFailure: boolean,
): void {
  const out = cpu.out;
  out.status = Status.vmexit;
  out.reason = reason;
  out.qualificationLow = qualificationLow;
  out.qualificationHigh = qualificationHigh;
  out.entryFailure = entryFailure;
}

/** Leaves a field that already has the value alone: it stays clean. */
function write(vmcs: CachedVmcs, index: number, low: number, high: number): void {
  if (vmcs.fields.low[index] !== low || vmcs.fields.high[index] !== high) vmcs.store(index, low, high);
}

/** Bit 31 of the entry interruption information is cleared by every VM exit (SDM 24.8.3). */
function consumeInjection(vmcs: CachedVmcs): void {
  const information = vmcs.fields.low[ENTRY_INTR_INFO] ?? 0;
  if ((information & INTERRUPTION_VALID) !== 0) vmcs.store(ENTRY_INTR_INFO, information & ~INTERRUPTION_VALID, 0);
}

/**
 * SDM 27.3. The guest's registers live in its VMCS here; what remains is what entry did not load as it stood.
 */
function saveGuestState(cpu: ProcessorState, vmcs: CachedVmcs): void {
  const { low } = vmcs.fields;
  const cr0 = (((low[GUEST_CR0] ?? 0) & ~CR0_UNCHANGED) | (cpu.cr0 & CR0_UNCHANGED)) >>> 0;
  write(vmcs, GUEST_CR0, cr0, 0);
  if (((low[EXIT_CONTROLS] ?? 0) & ExitControl.saveDebugControls) === 0) return;
  const loaded = ((low[ENTRY_CONTROLS] ?? 0) & EntryControl.loadDebugControls) !== 0;
  const dr7 = loaded ? (((low[GUEST_DR7] ?? 0) & ~DR7_ALWAYS_CLEAR) | HOST_DR7) >>> 0 : cpu.dr7Low;
  write(vmcs, GUEST_DR7, dr7, 0);
  if (!loaded) write(vmcs, GUEST_DEBUGCTL, cpu.debugctlLow, 0);
}

/** SDM 27.5. */
function loadHostState(cpu: ProcessorState, vmcs: CachedVmcs): void {
  const { low } = vmcs.fields;
  cpu.cr0 = (((low[HOST_CR0] ?? 0) & ~CR0_UNCHANGED) | (cpu.cr0 & CR0_UNCHANGED)) >>> 0;
  cpu.cr4 = low[HOST_CR4] ?? 0;
  cpu.dr7Low = HOST_DR7;
  cpu.debugctlLow = 0;
  cpu.mode = VmxMode.root;
}
