/** VMCALL (SDM 30.3) and VMFUNC (SDM 25.5.5). */
import { PrimaryControl, SecondaryControl } from "../control-bits.js";
import { checkEptPointer } from "../entry-checks/ept-pointer.js";
import { ExitReason } from "../exit-reasons.js";
import { Field } from "../field-encodings.js";
import { fieldIndex } from "../fields.js";
import { type Instruction, Mode } from "../instruction.js";
import { type ProcessorState, regionOf, VmxMode } from "../processor-state.js";
import { fail, generalProtection, invalidOpcode, succeed, VmError } from "../results.js";
import { exitForInstruction } from "../vm-exit.js";
import type { CachedVmcs } from "../vmcs-cache.js";

const PRIMARY = fieldIndex(Field.CPU_BASED_VM_EXEC_CONTROL);
const SECONDARY = fieldIndex(Field.SECONDARY_VM_EXEC_CONTROL);
const FUNCTIONS = fieldIndex(Field.VM_FUNCTION_CONTROL);
const EPT_POINTER = fieldIndex(Field.EPT_POINTER);
const EPTP_LIST = fieldIndex(Field.EPTP_LIST_ADDRESS);
const EPTP_LIST_ENTRIES = 512;

/**
 * In non-root operation the exit comes before the mode and privilege checks. There is no dual-monitor treatment here:
 * always error 1.
 */
export function vmcall(cpu: ProcessorState, instruction: Instruction): void {
  if (cpu.mode === VmxMode.off) invalidOpcode(cpu);
  else if (cpu.mode === VmxMode.nonRoot) exitForInstruction(cpu, instruction, ExitReason.vmcall);
  else if (instruction.mode === Mode.compatibility) invalidOpcode(cpu);
  else if (instruction.mode === Mode.user64) generalProtection(cpu);
  else fail(cpu, VmError.vmcallInRoot);
}

/** EAX is `low`, ECX is `field`. Only EPTP switching, function 0, is defined for these models. */
export function vmfunc(cpu: ProcessorState, instruction: Instruction): void {
  const vmcs = cpu.mode === VmxMode.nonRoot ? cpu.current : undefined;
  if (vmcs === undefined || !enablesVmFunctions(vmcs)) {
    invalidOpcode(cpu);
    return;
  }
  const enabled = vmcs.fields.low[FUNCTIONS] ?? 0;
  const isSwitch = instruction.low === 0 && (enabled & 1) !== 0;
  if (isSwitch && instruction.field < EPTP_LIST_ENTRIES && switchEptPointer(cpu, vmcs, instruction.field)) succeed(cpu);
  else exitForInstruction(cpu, instruction, ExitReason.vmfunc);
}

function enablesVmFunctions(vmcs: CachedVmcs): boolean {
  const { low } = vmcs.fields;
  return (
    ((low[PRIMARY] ?? 0) & PrimaryControl.activateSecondary) !== 0 &&
    ((low[SECONDARY] ?? 0) & SecondaryControl.enableVmFunctions) !== 0
  );
}

function switchEptPointer(cpu: ProcessorState, vmcs: CachedVmcs, index: number): boolean {
  const { low, high } = vmcs.fields;
  const address = regionOf(low[EPTP_LIST] ?? 0, high[EPTP_LIST] ?? 0) + index * 8;
  const pointerLow = cpu.memory.read32(address);
  const pointerHigh = cpu.memory.read32(address + 4);
  if (!checkEptPointer(cpu.model, pointerLow, pointerHigh)) return false;
  vmcs.store(EPT_POINTER, pointerLow, pointerHigh);
  return true;
}
