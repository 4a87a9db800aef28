import { type Instruction, Mode, type ModeCode, Op } from "@vmcslab/vmx";
import { ControlRegister, type ExitDetails, ProcessorMode } from "../../generated/vmcslab/v1/cpu.js";
import { joined } from "../halves.js";
import { InvalidMessage } from "../invalid-message.js";
import type { InstructionStep } from "./step.js";

const MODE: Readonly<Record<ModeCode, ProcessorMode>> = {
  [Mode.kernel64]: ProcessorMode.RING0,
  [Mode.user64]: ProcessorMode.USER,
  [Mode.compatibility]: ProcessorMode.COMPATIBILITY,
};

interface Executed {
  readonly mode: ProcessorMode;
  readonly details: ExitDetails;
}

/** An instruction as its request. Throws {@link InvalidMessage} for the no-op, which has none. */
export function instructionToStep(instruction: Instruction): InstructionStep {
  const { op, low, field } = instruction;
  switch (op) {
    case Op.vmexit:
      return { $case: "vmExit", value: vmExit(instruction) };
    case Op.interrupt:
      return { $case: "interrupt", value: { vector: low } };
    case Op.sipi:
      return { $case: "sipi", value: { vector: low } };
    case Op.init:
      return { $case: "init", value: {} };
    case Op.reset:
      return { $case: "reset", value: { clearMemory: false } };
    case Op.cr0Set:
    case Op.cr0Clear:
    case Op.cr4Set:
    case Op.cr4Clear:
      return { $case: "moveToControlRegister", value: moveToControlRegister(instruction) };
    case Op.vmfunc:
      return { $case: "vmfunc", value: { eax: low, ecx: field, ...executed(instruction) } };
    case Op.rdmsr:
      return { $case: "rdmsr", value: { msr: field, ...executed(instruction) } };
    case Op.wrmsr:
      return { $case: "wrmsr", value: { msr: field, value: operandOf(instruction), ...executed(instruction) } };
    case Op.nop:
      throw new InvalidMessage("no request executes a no-op");
    default:
      return vmxInstruction(instruction, op);
  }
}

type VmxOp = typeof Op.vmxon | typeof Op.vmxoff | typeof Op.vmclear | typeof Op.vmptrld | typeof Op.vmptrst;
type FieldOp = typeof Op.vmread | typeof Op.vmwrite;
type EntryOp = typeof Op.vmlaunch | typeof Op.vmresume;
type InvalidationOp = typeof Op.invept | typeof Op.invvpid;

function vmxInstruction(
  instruction: Instruction,
  op: VmxOp | FieldOp | EntryOp | InvalidationOp | typeof Op.vmcall,
): InstructionStep {
  const { movSs } = instruction;
  const how = executed(instruction);
  const address = operandOf(instruction);
  const field = fieldOf(instruction);
  switch (op) {
    case Op.vmxon:
      return { $case: "vmxon", value: { address, ...how } };
    case Op.vmxoff:
      return { $case: "vmxoff", value: how };
    case Op.vmclear:
      return { $case: "vmclear", value: { address, ...how } };
    case Op.vmptrld:
      return { $case: "vmptrld", value: { address, ...how } };
    case Op.vmptrst:
      return { $case: "vmptrst", value: how };
    case Op.vmread:
      return { $case: "vmread", value: { field, ...how } };
    case Op.vmwrite:
      return { $case: "vmwrite", value: { field, value: address, ...how } };
    case Op.vmlaunch:
      return { $case: "vmlaunch", value: { movSs, ...how } };
    case Op.vmresume:
      return { $case: "vmresume", value: { movSs, ...how } };
    case Op.vmcall:
      return { $case: "vmcall", value: how };
    case Op.invept:
      return { $case: "invept", value: { type: field, ...descriptorOf(instruction), ...how } };
    case Op.invvpid:
      return { $case: "invvpid", value: { type: field, ...descriptorOf(instruction), ...how } };
  }
}

function vmExit(instruction: Instruction): Extract<InstructionStep, { $case: "vmExit" }>["value"] {
  const { reason, length, information, qualificationLow, qualificationHigh } = instruction;
  const qualification = joined(qualificationLow, qualificationHigh);
  return { reason, qualification, instructionLength: length, instructionInformation: information };
}

function moveToControlRegister(
  instruction: Instruction,
): Extract<InstructionStep, { $case: "moveToControlRegister" }>["value"] {
  const { op } = instruction;
  return {
    register: op === Op.cr0Set || op === Op.cr0Clear ? ControlRegister.CR0 : ControlRegister.CR4,
    mask: operandOf(instruction),
    set: op === Op.cr0Set || op === Op.cr4Set,
    ...executed(instruction),
  };
}

function executed({ mode, length, information, qualificationLow, qualificationHigh }: Instruction): Executed {
  const qualification = joined(qualificationLow, qualificationHigh);
  return {
    mode: MODE[mode],
    details: { instructionLength: length, instructionInformation: information, qualification },
  };
}

function operandOf({ low, high }: Instruction): bigint {
  return joined(low, high);
}

function fieldOf({ field, fieldHigh }: Instruction): bigint {
  return joined(field, fieldHigh);
}

function descriptorOf(instruction: Instruction): { descriptorLow: bigint; descriptorHigh: bigint } {
  return {
    descriptorLow: joined(instruction.descriptor0Low, instruction.descriptor0High),
    descriptorHigh: joined(instruction.descriptor1Low, instruction.descriptor1High),
  };
}
