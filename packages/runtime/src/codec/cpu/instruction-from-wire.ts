import { Instruction, Mode, type ModeCode, Op, type OpCode } from "@vmcslab/vmx";
import {
  ControlRegister,
  type ExitDetails,
  type MoveToControlRegisterRequest,
  ProcessorMode,
  type VmExitRequest,
} from "../../generated/vmcslab/v1/cpu.js";
import { highHalf, lowHalf } from "../halves.js";
import { InvalidMessage } from "../invalid-message.js";
import type { InstructionStep } from "./step.js";

const EXIT_REASON_MAX = 0xffff;
const VECTOR_MAX = 0xff;

/** The instruction that a request asks for. Throws {@link InvalidMessage} for one that no processor has. */
export function instructionFromStep(step: InstructionStep): Instruction {
  switch (step.$case) {
    case "vmxon":
    case "vmclear":
    case "vmptrld":
      return withValue(executed(Op[step.$case], step.value), step.value.address);
    case "vmxoff":
    case "vmptrst":
    case "vmcall":
      return executed(Op[step.$case], step.value);
    case "vmlaunch":
    case "vmresume":
      return Object.assign(executed(Op[step.$case], step.value), { movSs: step.value.movSs });
    case "vmread":
      return withField(executed(Op.vmread, step.value), step.value.field);
    case "vmwrite":
      return withValue(withField(executed(Op.vmwrite, step.value), step.value.field), step.value.value);
    case "invept":
    case "invvpid":
      return invalidation(executed(Op[step.$case], step.value), step.value);
    case "vmfunc":
      return Object.assign(executed(Op.vmfunc, step.value), { low: step.value.eax, field: step.value.ecx });
    case "rdmsr":
      return Object.assign(executed(Op.rdmsr, step.value), { field: step.value.msr });
    case "wrmsr":
      return withValue(Object.assign(executed(Op.wrmsr, step.value), { field: step.value.msr }), step.value.value);
    case "moveToControlRegister":
      return withValue(executed(moveOp(step.value), step.value), step.value.mask);
    case "vmExit":
      return guestLeaves(step.value);
    case "interrupt":
    case "sipi":
      return withVector(Op[step.$case], step.value.vector);
    case "init":
    case "reset":
      return Object.assign(new Instruction(), { op: Op[step.$case] });
  }
}

/** What every instruction that software executes has. */
function executed(
  op: OpCode,
  { mode, details }: { mode: ProcessorMode; details?: ExitDetails | undefined },
): Instruction {
  const instruction = new Instruction();
  instruction.op = op;
  instruction.mode = modeFromWire(mode);
  if (details === undefined) return instruction;
  instruction.length = details.instructionLength;
  instruction.information = details.instructionInformation;
  return withQualification(instruction, details.qualification);
}

function modeFromWire(mode: ProcessorMode): ModeCode {
  switch (mode) {
    case ProcessorMode.UNSPECIFIED:
    case ProcessorMode.RING0:
      return Mode.kernel64;
    case ProcessorMode.USER:
      return Mode.user64;
    case ProcessorMode.COMPATIBILITY:
      return Mode.compatibility;
    default:
      throw new InvalidMessage(`processor mode ${mode} is not known`);
  }
}

function moveOp({ register, set }: MoveToControlRegisterRequest): OpCode {
  if (register === ControlRegister.CR0) return set ? Op.cr0Set : Op.cr0Clear;
  if (register === ControlRegister.CR4) return set ? Op.cr4Set : Op.cr4Clear;
  throw new InvalidMessage(`control register ${register} is not known`);
}

function guestLeaves(request: VmExitRequest): Instruction {
  const { reason, qualification, instructionLength = 0, instructionInformation = 0 } = request;
  if (reason > EXIT_REASON_MAX) throw new InvalidMessage(`exit reason ${reason} has more than 16 bits`);
  const instruction = Object.assign(new Instruction(), { op: Op.vmexit, reason });
  instruction.length = instructionLength;
  instruction.information = instructionInformation;
  return withQualification(instruction, qualification);
}

function withVector(op: OpCode, vector: number): Instruction {
  if (vector > VECTOR_MAX) throw new InvalidMessage(`vector ${vector} is more than ${VECTOR_MAX}`);
  return Object.assign(new Instruction(), { op, low: vector });
}

function withValue(instruction: Instruction, value: bigint): Instruction {
  instruction.low = lowHalf(value);
  instruction.high = highHalf(value);
  return instruction;
}

function withField(instruction: Instruction, field: bigint): Instruction {
  instruction.field = lowHalf(field);
  instruction.fieldHigh = highHalf(field);
  return instruction;
}

function withQualification(instruction: Instruction, qualification: bigint): Instruction {
  instruction.qualificationLow = lowHalf(qualification);
  instruction.qualificationHigh = highHalf(qualification);
  return instruction;
}

function invalidation(
  instruction: Instruction,
  operands: { type: bigint; descriptorLow: bigint; descriptorHigh: bigint },
): Instruction {
  instruction.descriptor0Low = lowHalf(operands.descriptorLow);
  instruction.descriptor0High = highHalf(operands.descriptorLow);
  instruction.descriptor1Low = lowHalf(operands.descriptorHigh);
  instruction.descriptor1High = highHalf(operands.descriptorHigh);
  return withField(instruction, operands.type);
}
