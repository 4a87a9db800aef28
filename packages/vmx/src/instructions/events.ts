/**
 * What reaches a processor other than as an instruction of its own: the guest leaving, interrupts, INIT, RESET (SDM
 * 25.2).
 */
import { ActivityState, ExitControl, INTERRUPTION_VALID, PinControl } from "../control-bits.js";
import { ExitReason } from "../exit-reasons.js";
import { Field } from "../field-encodings.js";
import { fieldIndex } from "../fields.js";
import type { Instruction } from "../instruction.js";
import { type ProcessorState, VmxMode } from "../processor-state.js";
import { invalidOpcode, succeed } from "../results.js";
import { exitForEvent, exitForInstruction, exitFromGuest } from "../vm-exit.js";

const PIN_CONTROLS = fieldIndex(Field.PIN_BASED_VM_EXEC_CONTROL);
const ACTIVITY_STATE = fieldIndex(Field.GUEST_ACTIVITY_STATE);
const EXIT_CONTROLS = fieldIndex(Field.VM_EXIT_CONTROLS);

/** The guest leaves for the reason in the instruction. Without a guest there is nothing that could: #UD. */
export function guestLeaves(cpu: ProcessorState, instruction: Instruction): void {
  if (cpu.mode === VmxMode.nonRoot) exitForInstruction(cpu, instruction, instruction.reason);
  else invalidOpcode(cpu);
}

/**
 * An external interrupt with vector `low`. Outside non-root operation, or without interrupt exiting, software's own
 * handler takes it.
 */
export function interrupt(cpu: ProcessorState, instruction: Instruction): void {
  const fields = cpu.mode === VmxMode.nonRoot ? cpu.current?.fields : undefined;
  if (fields === undefined || ((fields.low[PIN_CONTROLS] ?? 0) & PinControl.externalInterruptExiting) === 0) {
    succeed(cpu);
    return;
  }
  const acknowledges = ((fields.low[EXIT_CONTROLS] ?? 0) & ExitControl.acknowledgeInterrupt) !== 0;
  exitForEvent(
    cpu,
    ExitReason.externalInterrupt,
    acknowledges ? (INTERRUPTION_VALID | (instruction.low & 0xff)) >>> 0 : 0,
  );
}

/** Blocked in root operation until VMXOFF, a VM exit in non-root operation, a restart outside VMX operation. */
export function init(cpu: ProcessorState): void {
  if (cpu.mode === VmxMode.nonRoot) {
    exitFromGuest(cpu, ExitReason.init, 0, 0);
    return;
  }
  if (cpu.mode === VmxMode.root) cpu.initPending = true;
  else cpu.restart();
  succeed(cpu);
}

/**
 * A startup IPI with vector `low`: VM exit 4 when the guest waits for it, and dropped in every other state, root operation
 * included (SDM 25.2).
 */
export function sipi(cpu: ProcessorState, instruction: Instruction): void {
  const fields = cpu.mode === VmxMode.nonRoot ? cpu.current?.fields : undefined;
  if (fields?.low[ACTIVITY_STATE] === ActivityState.waitForSipi)
    exitFromGuest(cpu, ExitReason.sipi, instruction.low & 0xff, 0);
  else succeed(cpu);
}
