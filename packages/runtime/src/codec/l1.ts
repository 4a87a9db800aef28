import type { L1Instruction, L1OpName, L1Outcome } from "@vmcslab/nested";
import {
  type L1Instruction as WireL1Instruction,
  L1Operation as WireL1Operation,
  type L1Outcome as WireL1Outcome,
  L1Status as WireL1Status,
} from "../generated/vmcslab/v1/l0.js";
import { InvalidMessage } from "./invalid-message.js";
import { NameCodec } from "./names.js";
import { defined, required } from "./numbers.js";

const OP = new NameCodec<L1OpName, WireL1Operation>("L1 operation", {
  vmxon: WireL1Operation.VMXON,
  vmxoff: WireL1Operation.VMXOFF,
  vmclear: WireL1Operation.VMCLEAR,
  vmptrld: WireL1Operation.VMPTRLD,
  vmptrst: WireL1Operation.VMPTRST,
  vmread: WireL1Operation.VMREAD,
  vmwrite: WireL1Operation.VMWRITE,
  vmlaunch: WireL1Operation.VMLAUNCH,
  vmresume: WireL1Operation.VMRESUME,
  write32: WireL1Operation.WRITE32,
  zero: WireL1Operation.ZERO,
});

const STATUS = new NameCodec<L1Outcome["status"], WireL1Status>("L1 status", {
  succeed: WireL1Status.SUCCEED,
  failInvalid: WireL1Status.FAIL_INVALID,
  failValid: WireL1Status.FAIL_VALID,
  exception: WireL1Status.EXCEPTION,
  l2: WireL1Status.L2,
  vmexit: WireL1Status.VMEXIT,
});

export function l1InstructionToWire(instruction: L1Instruction): WireL1Instruction {
  return {
    op: OP.toWire(instruction.op),
    address: "addr" in instruction ? instruction.addr : undefined,
    field: "field" in instruction ? instruction.field : undefined,
    value: "value" in instruction ? BigInt(instruction.value) : undefined,
    user: instruction.user ?? false,
    movSs: "movSs" in instruction && instruction.movSs === true,
  };
}

/** Throws {@link InvalidMessage} when the operation is not set, lacks an operand, or stores more than a dword. */
export function l1InstructionFromWire(message: WireL1Instruction): L1Instruction {
  const user = message.user ? { user: true } : {};
  const op = OP.fromWire(message.op);
  switch (op) {
    case "vmxon":
    case "vmclear":
    case "vmptrld":
    case "zero":
      return { op, addr: required(message.address, `address of ${op}`), ...user };
    case "vmxoff":
    case "vmptrst":
      return { op, ...user };
    case "vmread":
      return { op, field: required(message.field, "field of vmread"), ...user };
    case "vmwrite":
      return {
        op,
        field: required(message.field, "field of vmwrite"),
        value: required(message.value, "value of vmwrite"),
        ...user,
      };
    case "vmlaunch":
    case "vmresume":
      return { op, ...(message.movSs ? { movSs: true } : {}), ...user };
    case "write32":
      return {
        op,
        addr: required(message.address, "address of write32"),
        value: dword(required(message.value, "value of write32")),
        ...user,
      };
  }
}

function dword(value: bigint): number {
  if (value > 0xffff_ffffn) throw new InvalidMessage(`write32 stores 32 bits, 0x${value.toString(16)} has more`);
  return Number(value);
}

export function l1OutcomeToWire(outcome: L1Outcome): WireL1Outcome {
  return {
    status: STATUS.toWire(outcome.status),
    error: outcome.error,
    vector: outcome.vector,
    value: outcome.value,
    reason: outcome.reason,
    qualification: outcome.qualification,
  };
}

export function l1OutcomeFromWire(message: WireL1Outcome): L1Outcome {
  const { error, vector, value, reason, qualification } = message;
  return {
    status: STATUS.fromWire(message.status),
    ...defined({ error, vector, value, reason, qualification }),
  };
}
