import type { Completion, InstructionResult, ResultStatus } from "@vmcslab/nested";
import {
  type Completion as WireCompletion,
  type InstructionResult as WireInstructionResult,
  ResultStatus as WireResultStatus,
} from "../generated/vmcslab/v1/interconnect.js";
import { fieldsToWire, stateFromWire } from "./fields.js";
import { NameCodec } from "./names.js";
import { toNumber } from "./numbers.js";
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
  const id = toNumber(message.id, "batch number");
  const { cpu, timing } = message;
  const results = message.results.map(resultFromWire);
  return timing === undefined ? { id, cpu, results } : { id, cpu, results, timing: batchTimingFromWire(timing) };
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

type Building<T> = { -readonly [K in keyof T]: T[K] };

/** Set one by one, because to spread several objects into one takes V8 several times as long. */
function resultFromWire({
  status,
  error,
  reason,
  entryFailure,
  launched,
  fields,
}: WireInstructionResult): InstructionResult {
  const result: Building<InstructionResult> = { status: STATUS.fromWire(status) };
  if (error !== undefined) result.error = error;
  if (reason !== undefined) result.reason = reason;
  if (entryFailure !== undefined) result.entryFailure = entryFailure;
  if (launched !== undefined) result.launched = launched;
  if (fields !== undefined) result.fields = stateFromWire(fields, "fields of a result");
  return result;
}
