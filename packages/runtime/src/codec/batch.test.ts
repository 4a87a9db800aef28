import type { Batch, BatchInstruction, Completion, FieldValues, InstructionResult } from "@vmcslab/nested";
import { FIELDS } from "@vmcslab/vmx";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  Batch as WireBatch,
  type BatchInstruction as WireBatchInstruction,
  Completion as WireCompletion,
} from "../generated/vmcslab/v1/interconnect.js";
import { batchFromWire, batchToWire } from "./batch.js";
import { completionFromWire, completionToWire } from "./completion.js";
import { InvalidMessage } from "./invalid-message.js";

const word = fc.nat({ max: 0xffff_ffff });
const address = fc.nat({ max: 2 ** 40 - 1 }).map((page) => page * 4096);
const epoch = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const fieldsWith = (encoding: fc.Arbitrary<number>): fc.Arbitrary<FieldValues> =>
  fc
    .array(fc.tuple(encoding, word, word), { maxLength: 40 })
    .map((rows) => ({ encodings: rows.map((r) => r[0]), low: rows.map((r) => r[1]), high: rows.map((r) => r[2]) }));
/** VMWRITE and VMREAD take any encoding: the processor answers. */
const operands = fieldsWith(word);
const state = fieldsWith(fc.constantFrom(...FIELDS.map((field) => field.encoding)));
const guestState = fieldsWith(
  fc.constantFrom(...FIELDS.flatMap(({ type, encoding }) => (type === "guest" ? encoding : []))),
);

const instruction: fc.Arbitrary<BatchInstruction> = fc.oneof(
  fc.record({ kind: fc.constant("vmxon"), region: address }),
  fc.record(
    { kind: fc.constant("vmptrld"), region: address, epoch, image: state },
    { requiredKeys: ["kind", "region", "epoch"] },
  ),
  fc.record({ kind: fc.constant("vmclear"), region: address, epoch }),
  fc.record({ kind: fc.constant("vmwrite"), fields: operands }),
  fc.record({ kind: fc.constant("vmread"), encodings: fc.array(word, { maxLength: 20 }) }),
  fc.record({
    kind: fc.constant("guestExit"),
    reason: fc.nat({ max: 0xffff }),
    qualificationLow: word,
    qualificationHigh: word,
    guest: guestState,
  }),
  fc.record({ kind: fc.constantFrom("vmxoff", "vmlaunch", "vmresume", "interrupt", "resumeInterrupted") }),
);

const batch: fc.Arbitrary<Batch> = fc.record({
  id: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  cpu: fc.nat({ max: 0xffff }),
  operation: epoch,
  instructions: fc.array(instruction, { minLength: 1, maxLength: 10 }),
});

const result: fc.Arbitrary<InstructionResult> = fc.record(
  {
    status: fc.constantFrom(
      "succeed",
      "failInvalid",
      "failValid",
      "exception",
      "vmentry",
      "vmexit",
      "notMine",
      "skipped",
    ),
    error: word,
    reason: word,
    entryFailure: fc.boolean(),
    fields: state,
    launched: fc.boolean(),
  },
  { requiredKeys: ["status"] },
);

const completion: fc.Arbitrary<Completion> = fc.record(
  {
    id: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    cpu: fc.nat({ max: 0xffff }),
    results: fc.array(result, { maxLength: 10 }),
    timing: fc.record({ receivedNs: epoch, waitedNs: epoch, executedNs: epoch, flushedNs: fc.array(epoch) }),
  },
  { requiredKeys: ["id", "cpu", "results"] },
);

describe("batches on the wire", () => {
  test("every batch comes back as it was sent", () => {
    fc.assert(
      fc.property(batch, (sent) => {
        const bytes = WireBatch.encode(batchToWire(sent)).finish();
        expect(batchFromWire(WireBatch.decode(bytes))).toStrictEqual(structuredClone(sent));
      }),
    );
  });

  test("every completion comes back as it was sent", () => {
    fc.assert(
      fc.property(completion, (sent) => {
        const bytes = WireCompletion.encode(completionToWire(sent)).finish();
        expect(completionFromWire(WireCompletion.decode(bytes))).toStrictEqual(structuredClone(sent));
      }),
    );
  });

  test("a batch that says nothing is refused", () => {
    expect(() => batchFromWire({ id: 0n, cpu: 0, operation: 0n, instructions: [] })).toThrow(InvalidMessage);
    expect(() => batchFromWire({ id: 7n, cpu: 0, operation: 0n, instructions: [] })).toThrow(
      "batch 7 has no instructions",
    );
    const unset = { id: 7n, cpu: 0, operation: 0n, instructions: [{ instruction: undefined }] };
    expect(() => batchFromWire(unset)).toThrow("instruction of a batch is missing");
  });

  test("field values of unequal length are refused", () => {
    const fields = { encodings: [1, 2], low: [1], high: [1, 2] };
    const uneven: WireBatchInstruction = { instruction: { $case: "vmwrite", value: { fields } } };
    expect(() => batchFromWire({ id: 1n, cpu: 0, operation: 0n, instructions: [uneven] })).toThrow(
      "field values have 2 encodings, 1 low and 2 high halves",
    );
  });

  test("a result without a status is refused", () => {
    const wire = WireCompletion.decode(new Uint8Array([0x1a, 0x00]));
    expect(() => completionFromWire(wire)).toThrow("result status 0 is not known");
  });
});
