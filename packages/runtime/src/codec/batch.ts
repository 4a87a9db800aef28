import type { Batch } from "@vmcslab/nested";
import type { Batch as WireBatch } from "../generated/vmcslab/v1/interconnect.js";
import { LIMITS } from "../limits.js";
import { instructionFromWire, instructionToWire } from "./instruction.js";
import { InvalidMessage } from "./invalid-message.js";
import { toNumber } from "./numbers.js";
import { checkCount } from "./ranges.js";

export function batchToWire(batch: Batch): WireBatch {
  return {
    id: BigInt(batch.id),
    cpu: batch.cpu,
    operation: BigInt(batch.operation),
    instructions: batch.instructions.map(instructionToWire),
  };
}

/** Throws {@link InvalidMessage} for an empty batch, one without a number, or a step that is not valid. */
export function batchFromWire(message: WireBatch): Batch {
  const id = toNumber(message.id, "batch number");
  if (id === 0) throw new InvalidMessage("batch number 0: batches count from 1");
  if (message.instructions.length === 0) throw new InvalidMessage(`batch ${id} has no instructions`);
  checkCount(message.instructions.length, LIMITS.batchInstructions, `instructions in batch ${id}`);
  return {
    id,
    cpu: message.cpu,
    operation: toNumber(message.operation, "operation"),
    instructions: message.instructions.map(instructionFromWire),
  };
}
