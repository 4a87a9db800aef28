import type { Completion, InstructionResult, ResultStatus } from "@vmcslab/nested";
import {
  type Completion as WireCompletion,
  type InstructionResult as WireInstructionResult,
  ResultStatus as WireResultStatus,
} from "../generated/vmcslab/v1/interconnect.js";
import { fieldsToWire, stateFromWire } from "./fields.js";
import { NameCodec } from "./names.js";
import { defined, toNumber } from "./numbers.js";
import { batchTimingFromWire, batchTimingToWire } from "./timing.js";

const STATUS = new NameCodec<ResultStatus, WireResultStatus>("result status", {
  succeed: WireResultStatus.SUCCEED,
  failInvalid: WireResultStatus.FAIL_INVALID,
  failValid: WireResultStatus.FAIL_VALID,
  exception: WireResultStatus.EXCEPTION,
  vmentry: WireResultStatus.VMENTRY,
  vmexit: WireResultStatus.VMEXIT,
  notMine: WireResultStatus.NOT_MINE,
  skipped: WireResultStatus.SKIPPED,
});

export function completionToWire(completion: Completion): WireCompletion {
  const { id, cpu, results, timing } = completion;
  return {
    id: BigInt(id),
    cpu,
    results: results.map(resultToWire),
    timing: timing === undefined ? undefined : batchTimingToWire(timing),
  };
}

/** Throws {@link InvalidMessage} for a result without a status, or with fields that no processor has. */
export function completionFromWire(message: WireCompletion): Completion {
  return {
    id: toNumber(message.id, "batch number"),
    cpu: message.cpu,
    results: message.results.map(resultFromWire),
    ...(message.timing === undefined ? {} : { timing: batchTimingFromWire(message.timing) }),
  };
}

function resultToWire(result: InstructionResult): WireInstructionResult {
  return {
    status: STATUS.toWire(result.status),
    error: result.error,
    reason: result.reason,
    entryFailure: result.entryFailure,
    fields: result.fields === undefined ? undefined : fieldsToWire(result.fields),
    launched: result.launched,
  };
}

function resultFromWire(message: WireInstructionResult): InstructionResult {
  const { error, reason, entryFailure, launched } = message;
  return {
    status: STATUS.fromWire(message.status),
    ...defined({ error, reason, entryFailure, launched }),
    ...(message.fields === undefined ? {} : { fields: stateFromWire(message.fields, "fields of a result") }),
  };
}
