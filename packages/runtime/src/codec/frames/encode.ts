/**
 * The frames that clears are made of, as bytes: the same that the generated code writes, for a tenth of its time. What is not plain, such as a greeting or a number that does not fit, is
 * the generated code's, which also says what is wrong with it.
 */
import type { FieldValues } from "../../generated/vmcslab/v1/fields.js";
import {
  type Batch,
  type BatchInstruction,
  type BatchTiming,
  type Completion,
  ConnectRequest,
  ConnectResponse,
  type InstructionResult,
} from "../../generated/vmcslab/v1/interconnect.js";
import { FrameWriter } from "./writer.js";

type Step = NonNullable<BatchInstruction["instruction"]>;

const writer = new FrameWriter();

export function encodeRequest(request: ConnectRequest): Buffer {
  const { lamport, acknowledged, frame } = request;
  if (frame?.$case === "batch" || frame?.$case === "batches") {
    writer.begin();
    number(8, lamport);
    number(16, acknowledged);
    if (frame.$case === "batch") one(34, frame.value, batch);
    else several(42, frame.value.batches, batch);
    const bytes = writer.end();
    if (bytes !== undefined) return bytes;
  }
  return Buffer.from(ConnectRequest.encode(request).finish());
}

export function encodeResponse(response: ConnectResponse): Buffer {
  const { lamport, frame } = response;
  if (frame?.$case === "completion" || frame?.$case === "completions") {
    writer.begin();
    number(8, lamport);
    if (frame.$case === "completion") one(26, frame.value, completion);
    else several(34, frame.value.completions, completion);
    const bytes = writer.end();
    if (bytes !== undefined) return bytes;
  }
  return Buffer.from(ConnectResponse.encode(response).finish());
}

/** A message of its own. */
function one<T>(tag: number, message: T, write: (message: T) => void): void {
  const opened = writer.open(tag);
  write(message);
  writer.close(opened);
}

/** A message whose only field, number 1, is repeated. */
function several<T>(tag: number, messages: readonly T[], write: (message: T) => void): void {
  const opened = writer.open(tag);
  for (const message of messages) one(10, message, write);
  writer.close(opened);
}

function number(tag: number, value: bigint): void {
  if (value === 0n) return;
  writer.tag(tag);
  writer.uint64(value);
}

function batch({ id, cpu, operation, instructions }: Batch): void {
  number(8, id);
  small(16, cpu);
  number(24, operation);
  for (const each of instructions) {
    const opened = writer.open(34);
    instruction(each);
    writer.close(opened);
  }
}

function small(tag: number, value: number): void {
  if (value === 0) return;
  writer.tag(tag);
  writer.uint32(value);
}

function word(tag: number, value: number): void {
  if (value === 0) return;
  writer.tag(tag);
  writer.fixed32(value);
}

function region(value: bigint): void {
  if (value === 0n) return;
  writer.tag(9);
  writer.fixed64(value);
}

function instruction({ instruction: step }: BatchInstruction): void {
  if (step === undefined) {
    writer.notPlain();
    return;
  }
  const opened = writer.open(TAGS[step.$case]);
  operands(step);
  writer.close(opened);
}

const TAGS: Readonly<Record<Step["$case"], number>> = {
  vmxon: 10,
  vmxoff: 18,
  vmptrld: 26,
  vmclear: 34,
  vmwrite: 42,
  vmread: 50,
  vmlaunch: 58,
  vmresume: 66,
  guestExit: 74,
  interrupt: 82,
  resumeInterrupted: 90,
};

function operands(step: Step): void {
  switch (step.$case) {
    case "vmxon":
      region(step.value.region);
      break;
    case "vmptrld":
      region(step.value.region);
      number(16, step.value.epoch);
      fields(26, step.value.image);
      break;
    case "vmclear":
      region(step.value.region);
      number(16, step.value.epoch);
      break;
    case "vmwrite":
      fields(10, step.value.fields);
      break;
    case "vmread":
      writer.fixed32s(10, step.value.encodings);
      break;
    case "guestExit":
      small(8, step.value.reason);
      word(21, step.value.qualificationLow);
      word(29, step.value.qualificationHigh);
      fields(34, step.value.guest);
      break;
    default:
      // The others have none.
      break;
  }
}

function fields(tag: number, values: FieldValues | undefined): void {
  if (values === undefined) return;
  const opened = writer.open(tag);
  writer.fixed32s(10, values.encodings);
  writer.fixed32s(18, values.low);
  writer.fixed32s(26, values.high);
  writer.close(opened);
}

function completion({ id, cpu, results, timing }: Completion): void {
  number(8, id);
  small(16, cpu);
  for (const each of results) {
    const opened = writer.open(26);
    result(each);
    writer.close(opened);
  }
  if (timing === undefined) return;
  const opened = writer.open(34);
  times(timing);
  writer.close(opened);
}

function result({ status, error, reason, entryFailure, fields: values, launched }: InstructionResult): void {
  // An enumeration is signed on the wire.
  if (status > 0x7fff_ffff) writer.notPlain();
  small(8, status);
  optional(16, error);
  optional(24, reason);
  flag(32, entryFailure);
  fields(42, values);
  flag(48, launched);
}

function optional(tag: number, value: number | undefined): void {
  if (value === undefined) return;
  writer.tag(tag);
  writer.uint32(value);
}

function flag(tag: number, value: boolean | undefined): void {
  if (value === undefined) return;
  writer.tag(tag);
  writer.bool(value);
}

function times({ receivedNs, waitedNs, executedNs, flushedNs }: BatchTiming): void {
  region(receivedNs);
  number(16, waitedNs);
  number(24, executedNs);
  if (flushedNs.length === 0) return;
  const opened = writer.open(34);
  for (const each of flushedNs) writer.uint64(each);
  writer.close(opened);
}
