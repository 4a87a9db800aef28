/** VMREAD and VMWRITE: SDM 30.3, and 24.4.2 for VMCS shadowing. */
import { FieldAccess } from "../cpu-model.js";
import { ExitReason } from "../exit-reasons.js";
import { HIGH_MASK, LOW_MASK } from "../field-store.js";
import { fieldIndex } from "../fields.js";
import { type Instruction, Mode } from "../instruction.js";
import { type ProcessorState, VmxMode } from "../processor-state.js";
import { fail, failInvalid, generalProtection, invalidOpcode, succeed, succeedWith, VmError } from "../results.js";
import { exitForInstruction } from "../vm-exit.js";
import type { CachedVmcs } from "../vmcs-cache.js";
import { linkedVmcs, shadowIntercepts } from "../vmcs-shadowing.js";

export function vmread(cpu: ProcessorState, instruction: Instruction): void {
  const vmcs = cpu.mode === VmxMode.root && instruction.mode === Mode.kernel64 ? cpu.current : undefined;
  if (vmcs === undefined) readSlowly(cpu, instruction);
  else readField(cpu, instruction, vmcs);
}

export function vmwrite(cpu: ProcessorState, instruction: Instruction): void {
  const vmcs = cpu.mode === VmxMode.root && instruction.mode === Mode.kernel64 ? cpu.current : undefined;
  if (vmcs === undefined) writeSlowly(cpu, instruction);
  else writeField(cpu, instruction, vmcs);
}

function readSlowly(cpu: ProcessorState, instruction: Instruction): void {
  const vmcs = addressedVmcs(cpu, instruction, ExitReason.vmread);
  if (vmcs !== undefined) readField(cpu, instruction, vmcs);
}

function writeSlowly(cpu: ProcessorState, instruction: Instruction): void {
  const vmcs = addressedVmcs(cpu, instruction, ExitReason.vmwrite);
  if (vmcs !== undefined) writeField(cpu, instruction, vmcs);
}

/** The VMCS that the instruction acts on; undefined when it fails before it gets there, and the outcome says how. */
function addressedVmcs(
  cpu: ProcessorState,
  instruction: Instruction,
  exitReason: typeof ExitReason.vmread | typeof ExitReason.vmwrite,
): CachedVmcs | undefined {
  if (cpu.mode === VmxMode.off || instruction.mode === Mode.compatibility) {
    invalidOpcode(cpu);
    return undefined;
  }
  const inGuest = cpu.mode === VmxMode.nonRoot;
  if (inGuest && shadowIntercepts(cpu, instruction, exitReason)) {
    exitForInstruction(cpu, instruction, exitReason);
    return undefined;
  }
  if (instruction.mode === Mode.user64) {
    generalProtection(cpu);
    return undefined;
  }
  const vmcs = inGuest ? linkedVmcs(cpu) : cpu.current;
  if (vmcs === undefined) failInvalid(cpu);
  return vmcs;
}

function readField(cpu: ProcessorState, instruction: Instruction, vmcs: CachedVmcs): void {
  const index = instruction.fieldHigh === 0 ? fieldIndex(instruction.field) : -1;
  if (index < 0 || cpu.model.fieldAccess[index] === FieldAccess.unsupported) {
    fail(cpu, VmError.unsupportedField);
    return;
  }
  const { low, high } = vmcs.fields;
  if ((instruction.field & 1) === 1) succeedWith(cpu, high[index] ?? 0, 0);
  else succeedWith(cpu, low[index] ?? 0, high[index] ?? 0);
}

function writeField(cpu: ProcessorState, instruction: Instruction, vmcs: CachedVmcs): void {
  const index = instruction.fieldHigh === 0 ? fieldIndex(instruction.field) : -1;
  if (index < 0 || cpu.model.fieldAccess[index] === FieldAccess.unsupported) {
    fail(cpu, VmError.unsupportedField);
    return;
  }
  if (cpu.model.fieldAccess[index] === FieldAccess.readOnly) {
    fail(cpu, VmError.readOnlyField);
    return;
  }
  if ((instruction.field & 1) === 1) vmcs.store(index, vmcs.fields.low[index] ?? 0, instruction.low);
  else vmcs.store(index, instruction.low & (LOW_MASK[index] ?? 0), instruction.high & (HIGH_MASK[index] ?? 0));
  succeed(cpu);
}
