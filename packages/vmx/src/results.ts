/** SDM 30.2: how VMX instructions report. Each function fills the processor's outcome. */
import { Field } from "./field-encodings.js";
import { fieldIndex } from "./fields.js";
import { Status, Vector } from "./outcome.js";
import type { ProcessorState } from "./processor-state.js";

const VM_INSTRUCTION_ERROR = fieldIndex(Field.VM_INSTRUCTION_ERROR);

/** VM-instruction error numbers (SDM 30.4) that this processor can give. */
export const VmError = {
  vmcallInRoot: 1,
  vmclearBadAddress: 2,
  vmclearVmxonPointer: 3,
  vmlaunchNotClear: 4,
  vmresumeNotLaunched: 5,
  entryControls: 7,
  entryHostState: 8,
  vmptrldBadAddress: 9,
  vmptrldVmxonPointer: 10,
  vmptrldRevision: 11,
  unsupportedField: 12,
  readOnlyField: 13,
  vmxonInRoot: 15,
  movSsBlocking: 26,
  invalidOperand: 28,
} as const;

export function succeed(cpu: ProcessorState): void {
  cpu.out.status = Status.succeed;
}

export function succeedWith(cpu: ProcessorState, low: number, high: number): void {
  const out = cpu.out;
  out.status = Status.succeed;
  out.hasValue = true;
  out.low = low;
  out.high = high;
}

export function failInvalid(cpu: ProcessorState): void {
  cpu.out.status = Status.failInvalid;
}

/** VMfail: VMfailValid, which also stores the number, if there is a current VMCS; else VMfailInvalid. */
export function fail(cpu: ProcessorState, error: number): void {
  const current = cpu.current;
  if (current === undefined) {
    failInvalid(cpu);
    return;
  }
  cpu.out.status = Status.failValid;
  cpu.out.error = error;
  current.store(VM_INSTRUCTION_ERROR, error, 0);
}

export function invalidOpcode(cpu: ProcessorState): void {
  cpu.out.status = Status.exception;
  cpu.out.vector = Vector.invalidOpcode;
  cpu.out.errorCode = 0;
}

/** #GP(0). */
export function generalProtection(cpu: ProcessorState): void {
  cpu.out.status = Status.exception;
  cpu.out.vector = Vector.generalProtection;
  cpu.out.errorCode = 0;
}
