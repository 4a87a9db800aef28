import type { BatchInstruction } from "@vmcslab/nested";
import type { BatchInstruction as WireBatchInstruction } from "../generated/vmcslab/v1/interconnect.js";
import { LIMITS } from "../limits.js";
import { fieldsToWire, operandsFromWire, stateFromWire } from "./fields.js";
import { InvalidMessage } from "./invalid-message.js";
import { required, toNumber } from "./numbers.js";
import { checkCount, regionAddress } from "./ranges.js";

/** Basic exit reasons have 16 bits (SDM, "Basic VM-Exit Information"). */
const EXIT_REASON_MAX = 0xffff;

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
      return { kind: "vmxon", region: regionAddress(wire.value.region, "region of vmxon") };
    case "vmptrld": {
      const region = regionAddress(wire.value.region, "region of vmptrld");
      const epoch = toNumber(wire.value.epoch, "epoch");
      const { image } = wire.value;
      if (image === undefined) return { kind: "vmptrld", region, epoch };
      return { kind: "vmptrld", region, epoch, image: stateFromWire(image, "image of vmptrld") };
    }
    case "vmclear":
      return {
        kind: "vmclear",
        region: regionAddress(wire.value.region, "region of vmclear"),
        epoch: toNumber(wire.value.epoch, "epoch"),
      };
    case "vmwrite": {
      const fields = required(wire.value.fields, "fields of vmwrite");
      return { kind: "vmwrite", fields: operandsFromWire(fields, "fields of vmwrite") };
    }
    case "vmread":
      checkCount(wire.value.encodings.length, LIMITS.fieldValues, "encodings of vmread");
      return { kind: "vmread", encodings: wire.value.encodings };
    case "guestExit": {
      const { reason, qualificationLow, qualificationHigh, guest } = wire.value;
      if (reason > EXIT_REASON_MAX) throw new InvalidMessage(`exit reason ${reason} has more than 16 bits`);
      const state = required(guest, "guest state of guestExit");
      const fields = stateFromWire(state, "guest state of guestExit", ({ type }) => type === "guest");
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
