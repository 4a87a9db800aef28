/** The checks that all VMX instructions but VMXON share (SDM chapter 30, first lines of every operation). */
import { type Instruction, Mode } from "../instruction.js";
import { type ProcessorState, VmxMode } from "../processor-state.js";
import { generalProtection, invalidOpcode } from "../results.js";
import { exitForInstruction } from "../vm-exit.js";

/**
 * True when the instruction may go on: VMX root operation, 64-bit mode, CPL 0. Otherwise the outcome is already there:
 * #UD, a VM exit for `exitReason` from non-root operation, or #GP(0), in this order.
 */
export function permitted(cpu: ProcessorState, instruction: Instruction, exitReason: number): boolean {
  if (cpu.mode === VmxMode.root && instruction.mode === Mode.kernel64) return true;
  refuse(cpu, instruction, exitReason);
  return false;
}

function refuse(cpu: ProcessorState, instruction: Instruction, exitReason: number): void {
  if (cpu.mode === VmxMode.off || instruction.mode === Mode.compatibility) invalidOpcode(cpu);
  else if (cpu.mode === VmxMode.nonRoot) exitForInstruction(cpu, instruction, exitReason);
  else generalProtection(cpu);
}
