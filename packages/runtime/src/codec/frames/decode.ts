/** The other direction of {@link encodeRequest} and {@link encodeResponse}. Bytes in which anything is not as they write it are the generated code's to read, or to refuse. */
import type { FieldValues } from "../../generated/vmcslab/v1/fields.js";
import {
  type Batch,
  type BatchInstruction,
  type BatchTiming,
  type Completion,
  ConnectRequest,
  ConnectResponse,
  type InstructionResult,
  ResultStatus,
} from "../../generated/vmcslab/v1/interconnect.js";
import { FrameReader } from "./reader.js";

const reader = new FrameReader();

export function decodeRequest(bytes: Uint8Array): ConnectRequest {
  return plainRequest(bytes) ?? ConnectRequest.decode(bytes);
}

export function decodeResponse(bytes: Uint8Array): ConnectResponse {
  return plainResponse(bytes) ?? ConnectResponse.decode(bytes);
}

function plainRequest(bytes: Uint8Array): ConnectRequest | undefined {
  const end = bytes.length;
  reader.begin(bytes);
  let lamport = 0n;
  let acknowledged = 0n;
  let tag = reader.tag(end);
  if (tag === 8) {
    lamport = reader.uint64();
    tag = reader.tag(end);
  }
  if (tag === 16) {
    acknowledged = reader.uint64();
    tag = reader.tag(end);
  }
  // Whatever else it says is rare.
  if (tag !== 34 && tag !== 42) return undefined;
  const inner = reader.open(end);
  const frame =
    tag === 34
      ? ({ $case: "batch", value: batch(inner) } as const)
      : ({ $case: "batches", value: { batches: several(inner, batch) } } as const);
  ends(reader.tag(end));
  return reader.end() ? { lamport, acknowledged, frame } : undefined;
}

function plainResponse(bytes: Uint8Array): ConnectResponse | undefined {
  const end = bytes.length;
  reader.begin(bytes);
  let lamport = 0n;
  let tag = reader.tag(end);
  if (tag === 8) {
    lamport = reader.uint64();
    tag = reader.tag(end);
  }
  if (tag !== 26 && tag !== 34) return undefined;
  const inner = reader.open(end);
  const frame =
    tag === 26
      ? ({ $case: "completion", value: completion(inner) } as const)
      : ({ $case: "completions", value: { completions: several(inner, completion) } } as const);
  ends(reader.tag(end));
  return reader.end() ? { lamport, frame } : undefined;
}

/** Of a message whose only field, number 1, is repeated. */
function several<T>(end: number, read: (end: number) => T): T[] {
  const messages: T[] = [];
  let tag = reader.tag(end);
  for (; tag === 10; tag = reader.tag(end)) messages.push(read(reader.open(end)));
  ends(tag);
  return messages;
}

/** A message must end here. */
function ends(tag: number): void {
  if (tag !== 0) reader.notPlain();
}

function batch(end: number): Batch {
  let id = 0n;
  let cpu = 0;
  let operation = 0n;
  let tag = reader.tag(end);
  if (tag === 8) {
    id = reader.uint64();
    tag = reader.tag(end);
  }
  if (tag === 16) {
    cpu = reader.uint32();
    tag = reader.tag(end);
  }
  if (tag === 24) {
    operation = reader.uint64();
    tag = reader.tag(end);
  }
  const instructions: BatchInstruction[] = [];
  for (; tag === 34; tag = reader.tag(end)) instructions.push({ instruction: step(reader.open(end)) });
  ends(tag);
  return { id, cpu, operation, instructions };
}

function step(end: number): BatchInstruction["instruction"] {
  const tag = reader.tag(end);
  // One that is not set is longer than its length says here, and so not plain.
  const inner = reader.open(end);
  if (inner !== end) reader.notPlain();
  switch (tag) {
    case 10:
      return { $case: "vmxon", value: { region: onlyRegion(end) } };
    case 18:
      return { $case: "vmxoff", value: nothing(end) };
    case 26:
      return { $case: "vmptrld", value: vmptrld(end) };
    case 34: {
      const { region, epoch } = activation(end, 0);
      return { $case: "vmclear", value: { region, epoch } };
    }
    case 42:
      return { $case: "vmwrite", value: { fields: onlyField(end) } };
    case 50:
      return { $case: "vmread", value: { encodings: encodings(end) } };
    case 58:
      return { $case: "vmlaunch", value: nothing(end) };
    case 66:
      return { $case: "vmresume", value: nothing(end) };
    case 74:
      return { $case: "guestExit", value: guestExit(end) };
    case 82:
      return { $case: "interrupt", value: nothing(end) };
    case 90:
      return { $case: "resumeInterrupted", value: nothing(end) };
    default:
      reader.notPlain();
      return undefined;
  }
}

function nothing(end: number): Record<string, never> {
  ends(reader.tag(end));
  return {};
}

function onlyRegion(end: number): bigint {
  const tag = reader.tag(end);
  if (tag !== 9) {
    ends(tag);
    return 0n;
  }
  const region = reader.fixed64();
  ends(reader.tag(end));
  return region;
}

function vmptrld(end: number): { region: bigint; epoch: bigint; image: FieldValues | undefined } {
  const { region, epoch, last } = activation(end, 26);
  if (last === 0) return { region, epoch, image: undefined };
  const image = fields(reader.open(end));
  ends(reader.tag(end));
  return { region, epoch, image };
}

/** Region and epoch, and the tag after them, which may be `then`. */
function activation(end: number, then: number): { region: bigint; epoch: bigint; last: number } {
  let region = 0n;
  let epoch = 0n;
  let tag = reader.tag(end);
  if (tag === 9) {
    region = reader.fixed64();
    tag = reader.tag(end);
  }
  if (tag === 16) {
    epoch = reader.uint64();
    tag = reader.tag(end);
  }
  if (tag !== then) ends(tag);
  return { region, epoch, last: tag };
}

function onlyField(end: number): FieldValues | undefined {
  const tag = reader.tag(end);
  if (tag !== 10) {
    ends(tag);
    return undefined;
  }
  const values = fields(reader.open(end));
  ends(reader.tag(end));
  return values;
}

function encodings(end: number): number[] {
  const tag = reader.tag(end);
  if (tag !== 10) {
    ends(tag);
    return [];
  }
  const values = reader.fixed32s(end);
  ends(reader.tag(end));
  return values;
}

function guestExit(end: number): {
  reason: number;
  qualificationLow: number;
  qualificationHigh: number;
  guest: FieldValues | undefined;
} {
  let reason = 0;
  let qualificationLow = 0;
  let qualificationHigh = 0;
  let guest: FieldValues | undefined;
  let tag = reader.tag(end);
  if (tag === 8) {
    reason = reader.uint32();
    tag = reader.tag(end);
  }
  if (tag === 21) {
    qualificationLow = reader.fixed32();
    tag = reader.tag(end);
  }
  if (tag === 29) {
    qualificationHigh = reader.fixed32();
    tag = reader.tag(end);
  }
  if (tag === 34) {
    guest = fields(reader.open(end));
    tag = reader.tag(end);
  }
  ends(tag);
  return { reason, qualificationLow, qualificationHigh, guest };
}

function fields(end: number): FieldValues {
  let tag = reader.tag(end);
  let first: number[] | undefined;
  let low: number[] | undefined;
  let high: number[] | undefined;
  if (tag === 10) {
    first = reader.fixed32s(end);
    tag = reader.tag(end);
  }
  if (tag === 18) {
    low = reader.fixed32s(end);
    tag = reader.tag(end);
  }
  if (tag === 26) {
    high = reader.fixed32s(end);
    tag = reader.tag(end);
  }
  ends(tag);
  return { encodings: first ?? [], low: low ?? [], high: high ?? [] };
}

function completion(end: number): Completion {
  let id = 0n;
  let cpu = 0;
  let timing: BatchTiming | undefined;
  let tag = reader.tag(end);
  if (tag === 8) {
    id = reader.uint64();
    tag = reader.tag(end);
  }
  if (tag === 16) {
    cpu = reader.uint32();
    tag = reader.tag(end);
  }
  const results: InstructionResult[] = [];
  for (; tag === 26; tag = reader.tag(end)) results.push(result(reader.open(end)));
  if (tag === 34) {
    timing = times(reader.open(end));
    tag = reader.tag(end);
  }
  ends(tag);
  return { id, cpu, results, timing };
}

const STATUSES: readonly ResultStatus[] = Object.values(ResultStatus);

function result(end: number): InstructionResult {
  let status: ResultStatus = ResultStatus.UNSPECIFIED;
  let error: number | undefined;
  let reason: number | undefined;
  let entryFailure: boolean | undefined;
  let values: FieldValues | undefined;
  let launched: boolean | undefined;
  let tag = reader.tag(end);
  if (tag === 8) {
    status = known(reader.uint32());
    tag = reader.tag(end);
  }
  if (tag === 16) {
    error = reader.uint32();
    tag = reader.tag(end);
  }
  if (tag === 24) {
    reason = reader.uint32();
    tag = reader.tag(end);
  }
  if (tag === 32) {
    entryFailure = reader.bool();
    tag = reader.tag(end);
  }
  if (tag === 42) {
    values = fields(reader.open(end));
    tag = reader.tag(end);
  }
  if (tag === 48) {
    launched = reader.bool();
    tag = reader.tag(end);
  }
  ends(tag);
  return { status, error, reason, entryFailure, fields: values, launched };
}

function known(number: number): ResultStatus {
  // Each is where its number says.
  const status = STATUSES[number];
  if (status === number) return status;
  reader.notPlain();
  return ResultStatus.UNSPECIFIED;
}

function times(end: number): BatchTiming {
  let receivedNs = 0n;
  let waitedNs = 0n;
  let executedNs = 0n;
  let flushedNs: bigint[] = [];
  let tag = reader.tag(end);
  if (tag === 9) {
    receivedNs = reader.fixed64();
    tag = reader.tag(end);
  }
  if (tag === 16) {
    waitedNs = reader.uint64();
    tag = reader.tag(end);
  }
  if (tag === 24) {
    executedNs = reader.uint64();
    tag = reader.tag(end);
  }
  if (tag === 34) {
    const inner = reader.open(end);
    flushedNs = reader.uint64s(inner);
    tag = reader.tag(end);
  }
  ends(tag);
  return { receivedNs, waitedNs, executedNs, flushedNs };
}
