/** What is sent to each service: everything, but for what would stop the host by right. */
import type { DescMethod } from "@bufbuild/protobuf";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { type Chosen, cutOff, damaged, message } from "./messages.js";

type Bytes = fc.Arbitrary<Uint8Array>;

const texts = (...some: string[]): Bytes => fc.constantFrom(...some.map((text) => Buffer.from(text)));
const varints = (...some: number[]): Bytes =>
  fc.constantFrom(...some.map((value) => new BinaryWriter().uint64(value).finish()));

const CHOSEN: Chosen = {
  // Nothing is looked up, and nobody else is called.
  "RegisterCpuRequest.address": texts(
    "127.0.0.1:1",
    "",
    "x",
    "x:",
    ":1",
    "127.0.0.1:99999",
    "dns:///x:1",
    "unix:/x:1",
    "a b:1",
    "x".repeat(1000),
  ),
  // A process that dies or stands still because it was asked to is no finding.
  "Fault.crash": "never",
  "Fault.crash_l0": "never",
  "Fault.stall": "never",
  // Who names a true source truly, and counts wrongly, is believed: it may be that source.
  "EventBatch.host": texts("stranger", "", "a/b", "..", "x".repeat(70)),
  // A session beyond L0's takes its CPU: that is what the raided host is for.
  "Hello.session": varints(0, 1, 100),
};

/** Messages for a method, good ones and bad ones. */
export function inputsOf({ input, parent, name }: DescMethod): Bytes {
  const good = message(input, CHOSEN);
  const bits = parent.name === "FaultService" || name === "Connect" ? cutOff(good) : damaged(good);
  return fc.oneof({ weight: 3, arbitrary: good }, { weight: 2, arbitrary: bits });
}

const RAID: Chosen = {
  ...CHOSEN,
  "Batch.id": varints(0, 1, 1, 2, 3, 4, 5000, 2 ** 53),
  "Batch.cpu": varints(0, 0, 0, 1),
  "ConnectRequest.acknowledged": varints(0, 0, 0, 1, 2 ** 53),
};

/** Frames for one stream, after its hello. */
export function framesOf({ input }: DescMethod): fc.Arbitrary<Uint8Array[]> {
  const good = message(input, RAID);
  return fc.array(fc.oneof({ weight: 5, arbitrary: good }, damaged(good)), { minLength: 1, maxLength: 6 });
}
