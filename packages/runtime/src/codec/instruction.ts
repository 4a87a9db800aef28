import type { BatchInstruction } from "@vmcslab/nested";
import type { BatchInstruction as WireBatchInstruction } from "../generated/vmcslab/v1/interconnect.js";
import { fieldsFromWire, fieldsToWire } from "./fields.js";
import { required, toNumber } from "./numbers.js";

type WireCase = NonNullable<WireBatchInstruction["instruction"]>;

/** One step of a batch as its message. */
export function instructionToWire(instruction: BatchInstruction): WireBatchInstruction {
  return { instruction: caseToWire(instruction) };
}

function caseToWire(instruction: BatchInstruction): WireCase {
  switch (instruction.kind) {
    case "vmxon":
      return { $case: "vmxon", value: { region: BigInt(instruction.region) } };
    case "vmptrld": {
      const { region, epoch, image } = instruction;
      const wireImage = image === undefined ? undefined : fieldsToWire(image);
      return { $case: "vmptrld", value: { region: BigInt(region), epoch: BigInt(epoch), image: wireImage } };
    }
    case "vmclear":
      return {
        $case: "vmclear",
        value: { region: BigInt(instruction.region), epoch: BigInt(instruction.epoch) },
      };
    case "vmwrite":
      return { $case: "vmwrite", value: { fields: fieldsToWire(instruction.fields) } };
    case "vmread":
      return { $case: "vmread", value: { encodings: [...instruction.encodings] } };
    case "guestExit": {
      const { reason, qualificationLow, qualificationHigh, guest } = instruction;
      return {
        $case: "guestExit",
        value: { reason, qualificationLow, qualificationHigh, guest: fieldsToWire(guest) },
      };
    }
    case "vmxoff":
    case "vmlaunch":
    case "vmresume":
    case "interrupt":
    case "resumeInterrupted":
      return { $case: instruction.kind, value: {} };
  }
}

/** Throws {@link InvalidMessage} for a step that is not set or lacks what it needs. */
export function instructionFromWire(message: WireBatchInstruction): BatchInstruction {
  const wire = required(message.instruction, "instruction of a batch");
  switch (wire.$case) {
    case "vmxon":
      return { kind: "vmxon", region: toNumber(wire.value.region, "region") };
    case "vmptrld": {
      const step = {
        kind: "vmptrld",
        region: toNumber(wire.value.region, "region"),
        epoch: toNumber(wire.value.epoch, "epoch"),
      } as const;
      return wire.value.image === undefined ? step : { ...step, image: fieldsFromWire(wire.value.image) };
    }
    case "vmclear":
      return {
        kind: "vmclear",
        region: toNumber(wire.value.region, "region"),
        epoch: toNumber(wire.value.epoch, "epoch"),
      };
    case "vmwrite":
      return { kind: "vmwrite", fields: fieldsFromWire(required(wire.value.fields, "fields of vmwrite")) };
    case "vmread":
      return { kind: "vmread", encodings: wire.value.encodings };
    case "guestExit": {
      const { reason, qualificationLow, qualificationHigh, guest } = wire.value;
      const fields = fieldsFromWire(required(guest, "guest state of guestExit"));
      return { kind: "guestExit", reason, qualificationLow, qualificationHigh, guest: fields };
    }
    case "vmxoff":
    case "vmlaunch":
    case "vmresume":
    case "interrupt":
    case "resumeInterrupted":
      return { kind: wire.$case };
  }
}
