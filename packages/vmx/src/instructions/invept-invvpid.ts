/** INVEPT and INVVPID: SDM 30.3. There are no translations here to invalidate; what remains are the operands. */
import { SecondaryControl } from "../control-bits.js";
import { isCanonical } from "../entry-checks/bits.js";
import { checkEptPointer } from "../entry-checks/ept-pointer.js";
import { ExitReason } from "../exit-reasons.js";
import type { Instruction } from "../instruction.js";
import type { ProcessorState } from "../processor-state.js";
import { fail, invalidOpcode, succeed, VmError } from "../results.js";
import { permitted } from "./permission.js";

/** IA32_VMX_EPT_VPID_CAP, bits 31:0: INVEPT, and its types from bit 24 + type. */
const CAP_INVEPT = 1 << 20;
const CAP_INVEPT_TYPE_SHIFT = 24;
/** Bits 63:32: INVVPID, and its types from bit 40 + type. */
const CAP_INVVPID = 1;
const CAP_INVVPID_TYPE_SHIFT = 8;

const InveptType = { singleContext: 1, global: 2 } as const;
const InvvpidType = { address: 0, singleContext: 1, allContexts: 2, singleContextRetainingGlobals: 3 } as const;

export function invept(cpu: ProcessorState, instruction: Instruction): void {
  const { model } = cpu;
  if ((model.secondary.mayBeOne & SecondaryControl.enableEpt) === 0 || (model.eptVpidLow & CAP_INVEPT) === 0) {
    invalidOpcode(cpu);
    return;
  }
  if (!permitted(cpu, instruction, ExitReason.invept)) return;
  if (isInveptOperand(cpu, instruction)) succeed(cpu);
  else fail(cpu, VmError.invalidOperand);
}

function isInveptOperand(cpu: ProcessorState, instruction: Instruction): boolean {
  const type = instruction.fieldHigh === 0 ? instruction.field : -1;
  if (type !== InveptType.singleContext && type !== InveptType.global) return false;
  if (((cpu.model.eptVpidLow >>> (CAP_INVEPT_TYPE_SHIFT + type)) & 1) === 0) return false;
  return (
    type === InveptType.global || checkEptPointer(cpu.model, instruction.descriptor0Low, instruction.descriptor0High)
  );
}

export function invvpid(cpu: ProcessorState, instruction: Instruction): void {
  const { model } = cpu;
  if ((model.secondary.mayBeOne & SecondaryControl.enableVpid) === 0 || (model.eptVpidHigh & CAP_INVVPID) === 0) {
    invalidOpcode(cpu);
    return;
  }
  if (!permitted(cpu, instruction, ExitReason.invvpid)) return;
  if (isInvvpidOperand(cpu, instruction)) succeed(cpu);
  else fail(cpu, VmError.invalidOperand);
}

function isInvvpidOperand(cpu: ProcessorState, instruction: Instruction): boolean {
  const type = instruction.fieldHigh === 0 ? instruction.field : -1;
  if (type < InvvpidType.address || type > InvvpidType.singleContextRetainingGlobals) return false;
  if (((cpu.model.eptVpidHigh >>> (CAP_INVVPID_TYPE_SHIFT + type)) & 1) === 0) return false;
  // Descriptor bits 63:16 are reserved, bits 15:0 the VPID.
  if (instruction.descriptor0High !== 0 || instruction.descriptor0Low > 0xffff) return false;
  if (type === InvvpidType.allContexts) return true;
  if (instruction.descriptor0Low === 0) return false;
  return type !== InvvpidType.address || isCanonical(instruction.descriptor1High);
}
