import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import type { FieldValues } from "../../generated/vmcslab/v1/fields.js";
import {
  type BatchInstruction,
  ConnectRequest,
  ConnectResponse,
  type InstructionResult,
} from "../../generated/vmcslab/v1/interconnect.js";
import { decodeRequest, decodeResponse } from "./decode.js";
import { encodeRequest, encodeResponse } from "./encode.js";

const edges = [0, 1, 0x7f, 0x80, 0x3fff, 0x4000, 0xfff_ffff, 0x1000_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];
const word = fc.oneof(fc.constantFrom(...edges), fc.nat({ max: 0xffff_ffff }));
const long = fc.oneof(
  fc.constantFrom(...edges.map(BigInt), 2n ** 32n, 2n ** 35n, 2n ** 49n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 64n - 1n),
  fc.bigInt({ min: 0n, max: 2n ** 53n - 1n }),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
);
const words = fc.array(word, { maxLength: 40 });
const fields: fc.Arbitrary<FieldValues> = fc.record({ encodings: words, low: words, high: words });
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });

const instruction: fc.Arbitrary<BatchInstruction["instruction"]> = fc.oneof(
  fc.record({ $case: fc.constant("vmxon" as const), value: fc.record({ region: long }) }),
  fc.record({
    $case: fc.constant("vmptrld" as const),
    value: fc.record({ region: long, epoch: long, image: maybe(fields) }),
  }),
  fc.record({ $case: fc.constant("vmclear" as const), value: fc.record({ region: long, epoch: long }) }),
  fc.record({ $case: fc.constant("vmwrite" as const), value: fc.record({ fields: maybe(fields) }) }),
  fc.record({ $case: fc.constant("vmread" as const), value: fc.record({ encodings: words }) }),
  fc.record({
    $case: fc.constant("guestExit" as const),
    value: fc.record({ reason: word, qualificationLow: word, qualificationHigh: word, guest: maybe(fields) }),
  }),
  fc.record({
    $case: fc.constantFrom(
      "vmxoff" as const,
      "vmlaunch" as const,
      "vmresume" as const,
      "interrupt" as const,
      "resumeInterrupted" as const,
    ),
    value: fc.constant({}),
  }),
  fc.constant(undefined),
);

const request: fc.Arbitrary<ConnectRequest> = fc.record({
  lamport: long,
  acknowledged: long,
  frame: fc.oneof(
    { weight: 5, arbitrary: fc.record({ $case: fc.constant("batch" as const), value: batch() }) },
    {
      weight: 3,
      arbitrary: fc.record({
        $case: fc.constant("batches" as const),
        value: fc.record({ batches: fc.array(batch(), { maxLength: 3 }) }),
      }),
    },
    fc.record({
      $case: fc.constant("hello" as const),
      value: fc.record({ cpu: word, session: long, takesOver: fc.boolean() }),
    }),
    fc.constant(undefined),
  ),
});

function batch() {
  const instructions = fc.array(fc.record({ instruction }), { maxLength: 6 });
  return fc.record({ id: long, cpu: word, operation: long, instructions });
}

const result: fc.Arbitrary<InstructionResult> = fc.record({
  status: fc.constantFrom(...([0, 1, 2, 3, 4, 5, 6, 7, 8] as const)),
  error: maybe(word),
  reason: maybe(word),
  entryFailure: maybe(fc.boolean()),
  fields: maybe(fields),
  launched: maybe(fc.boolean()),
});

const timing = fc.record({
  receivedNs: long,
  waitedNs: long,
  executedNs: long,
  flushedNs: fc.array(long, { maxLength: 20 }),
});

const completion = fc.record({
  id: long,
  cpu: word,
  results: fc.array(result, { maxLength: 6 }),
  timing: maybe(timing),
});

const response: fc.Arbitrary<ConnectResponse> = fc.record({
  lamport: long,
  frame: fc.oneof(
    { weight: 3, arbitrary: fc.record({ $case: fc.constant("completion" as const), value: completion }) },
    fc.record({
      $case: fc.constant("completions" as const),
      value: fc.record({ completions: fc.array(completion, { maxLength: 3 }) }),
    }),
  ),
});

/** What a function answers or throws. */
function outcome<T>(of: () => T): { value: T } | { thrown: string } {
  try {
    return { value: of() };
  } catch (thrown) {
    return { thrown: String(thrown) };
  }
}

/** Bytes nearly as they were: some are replaced, taken out or put in. */
const damage = fc.array(
  fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    removed: fc.nat(2),
    put: fc.array(fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 0x80, 0xff, 8, 10, 16, 26, 34)), { maxLength: 3 }),
  }),
  { minLength: 1, maxLength: 3 },
);

function damaged(bytes: Buffer, places: readonly { at: number; removed: number; put: number[] }[]): Buffer {
  let rest = bytes;
  for (const { at, removed, put } of places) {
    const from = Math.floor(at * rest.length);
    rest = Buffer.concat([rest.subarray(0, from), Buffer.from(put), rest.subarray(from + removed)]);
  }
  return rest;
}

describe("frames", () => {
  it("to a CPU are the bytes that the generated code writes, and read as it reads them", () => {
    fc.assert(
      fc.property(request, (message) => {
        const bytes = Buffer.from(ConnectRequest.encode(message).finish());
        expect(encodeRequest(message).equals(bytes)).toBe(true);
        expect(decodeRequest(bytes)).toStrictEqual(ConnectRequest.decode(bytes));
      }),
      { numRuns: 1000 },
    );
  });

  it("from a CPU are the bytes that the generated code writes, and read as it reads them", () => {
    fc.assert(
      fc.property(response, (message) => {
        const bytes = Buffer.from(ConnectResponse.encode(message).finish());
        expect(encodeResponse(message).equals(bytes)).toBe(true);
        expect(decodeResponse(bytes)).toStrictEqual(ConnectResponse.decode(bytes));
      }),
      { numRuns: 1000 },
    );
  });

  it("that are damaged are read, or refused, as by the generated code", () => {
    fc.assert(
      fc.property(request, response, damage, (sent, answered, places) => {
        const there = damaged(encodeRequest(sent), places);
        expect(outcome(() => decodeRequest(there))).toStrictEqual(outcome(() => ConnectRequest.decode(there)));
        const back = damaged(encodeResponse(answered), places);
        expect(outcome(() => decodeResponse(back))).toStrictEqual(outcome(() => ConnectResponse.decode(back)));
      }),
      { numRuns: 3000 },
    );
  });

  it("with numbers that no message may have are refused as by the generated code", () => {
    const numbers = [-1, 0.5, 2 ** 32, Number.NaN, 2 ** 31];
    for (const bad of numbers) {
      const fieldValues = { encodings: [1], low: [bad], high: [1] };
      const messages: ConnectRequest[] = [
        { $case: "vmread" as const, value: { encodings: [1, bad] } },
        { $case: "vmwrite" as const, value: { fields: fieldValues } },
        {
          $case: "guestExit" as const,
          value: { reason: bad, qualificationLow: bad, qualificationHigh: 0, guest: undefined },
        },
      ].map((step) => requestOf({ id: 1n, cpu: 0, operation: 0n, instructions: [{ instruction: step }] }));
      messages.push(requestOf({ id: 1n, cpu: bad, operation: 0n, instructions: [] }));
      for (const message of messages)
        expect(outcome(() => encodeRequest(message))).toStrictEqual(
          outcome(() => Buffer.from(ConnectRequest.encode(message).finish())),
        );
    }
    const negative = requestOf({ id: -1n, cpu: 0, operation: 0n, instructions: [] });
    expect(() => encodeRequest(negative)).toThrow("too large");
    // What was begun and could not be written leaves nothing behind.
    const good = requestOf({ id: 1n, cpu: 0, operation: 0n, instructions: [] });
    expect(decodeRequest(encodeRequest(good))).toEqual(good);
  });

  it("of which clears are made need no generated code", () => {
    const generated = [
      vi.spyOn(ConnectRequest, "encode"),
      vi.spyOn(ConnectRequest, "decode"),
      vi.spyOn(ConnectResponse, "encode"),
      vi.spyOn(ConnectResponse, "decode"),
    ];
    const fieldValues = { encodings: [0x681e], low: [1], high: [0] };
    const steps = [
      { $case: "interrupt", value: {} },
      { $case: "vmclear", value: { region: 0x3000n, epoch: 7n } },
      { $case: "vmptrld", value: { region: 0x3000n, epoch: 8n, image: fieldValues } },
      { $case: "vmresume", value: {} },
    ] as const;
    const instructions = steps.map((step) => ({ instruction: step }));
    const message = requestOf({ id: 1n, cpu: 0, operation: 5n, instructions });
    expect(decodeRequest(encodeRequest(message))).toEqual(message);
    const results = [
      { status: 8, fields: undefined } as const,
      { status: 1, fields: fieldValues, launched: true } as const,
    ];
    const times = { receivedNs: 2n ** 52n, waitedNs: 1n, executedNs: 3000n, flushedNs: [2000n] };
    const answer: ConnectResponse = {
      lamport: 3n,
      frame: { $case: "completion", value: { id: 1n, cpu: 0, results, timing: times } },
    };
    expect(decodeResponse(encodeResponse(answer))).toEqual(answer);
    for (const spy of generated) {
      expect(spy).not.toHaveBeenCalled();
      spy.mockRestore();
    }
  });

  it("of any size are written whole", () => {
    const values = Array.from({ length: 100_000 }, (_, i) => i);
    const step = { $case: "vmwrite", value: { fields: { encodings: values, low: values, high: values } } } as const;
    const message = requestOf({ id: 1n, cpu: 0, operation: 0n, instructions: [{ instruction: step }] });
    const bytes = Buffer.from(ConnectRequest.encode(message).finish());
    expect(encodeRequest(message).equals(bytes)).toBe(true);
    expect(decodeRequest(bytes)).toEqual(message);
  });
});

function requestOf(value: NonNullable<Extract<ConnectRequest["frame"], { $case: "batch" }>>["value"]): ConnectRequest {
  return { lamport: 1n, acknowledged: 0n, frame: { $case: "batch", value } };
}
