import { readFileSync } from "node:fs";
import { EVENT_KINDS, type HistoryEvent } from "@vmcslab/history";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EventBatch as WireEventBatch, EventKind as WireEventKind } from "../generated/vmcslab/v1/events.js";
import { eventBatchFromWire, eventBatchToWire } from "./event.js";
import { eventKinds, eventKindWireName } from "./event-kind.js";

const small = fc.nat({ max: 0xffff });
const word = fc.nat({ max: 0xffff_ffff });
const address = fc.nat({ max: 2 ** 52 - 1 });
const count53 = fc.nat({ max: Number.MAX_SAFE_INTEGER });

type Body = Omit<HistoryEvent, "host" | "source" | "incarnation" | "seq">;

const event: fc.Arbitrary<Body> = fc.record(
  {
    kind: fc.constantFrom(...eventKinds()),
    operation: count53,
    lamport: count53,
    wallUs: count53,
    monoNs: count53,
    cpu: fc.integer({ min: -1, max: 0xffff }),
    vcpu: small,
    vmcs: word,
    region: address,
    vmptr: address,
    epoch: count53,
    from: fc.integer({ min: -1, max: 2 ** 52 - 1 }),
    to: fc.integer({ min: -1, max: 0xffff }),
    launched: fc.boolean(),
    activated: fc.boolean(),
    active: fc.boolean(),
    toL1: fc.boolean(),
    definite: fc.boolean(),
    reason: small,
    error: word,
    count: word,
    digest: word,
    order: fc.array(address, { maxLength: 8 }),
    instruction: fc.string(),
    status: fc.string(),
    role: fc.constantFrom("vmcs01", "vmcs02"),
    cause: fc.string(),
    timing: fc.record({
      handedNs: count53,
      arrivedNs: count53,
      receivedNs: count53,
      waitedNs: count53,
      executedNs: count53,
      flushedNs: count53,
      oneClock: fc.boolean(),
    }),
  },
  { requiredKeys: ["kind", "operation", "lamport", "wallUs", "monoNs"] },
);

describe("events on the wire", () => {
  test("every batch comes back as it was published, absent fields absent", () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 20 }), fc.integer({ min: 1, max: 2 ** 40 }), (bodies, firstSeq) => {
        const envelope = { host: "h", source: "cpu3", incarnation: 1_700_000_000_000_000 };
        const events = bodies.map((body, index) => ({ ...body, ...envelope, seq: firstSeq + index }));
        const sent = { ...envelope, firstSeq, events };
        const bytes = WireEventBatch.encode(eventBatchToWire(sent)).finish();
        expect(eventBatchFromWire(WireEventBatch.decode(bytes))).toStrictEqual(structuredClone(sent));
      }),
    );
  });

  test("a kind that this version does not know is refused", () => {
    const wire = WireEventBatch.decode(WireEventBatch.encode(eventBatchToWire(emptyBatch())).finish());
    wire.events.push({ ...blank(), kind: WireEventKind.UNSPECIFIED });
    expect(() => eventBatchFromWire(wire)).toThrow("event kind 0 is not known");
  });
});

describe("the vocabulary of events", () => {
  test("events.proto numbers exactly the kinds of the vocabulary", () => {
    const wire = Object.keys(WireEventKind).filter((name) => name !== "UNSPECIFIED" && name !== "UNRECOGNIZED");
    expect(eventKinds().map(eventKindWireName).sort()).toEqual(wire.sort());
  });

  test("docs/events.md has a row for every kind, in the vocabulary's order and words", () => {
    const page = readFileSync(new URL("../../../../docs/events.md", import.meta.url), "utf8");
    const rows = [...page.matchAll(/^\| `([a-zA-Z0-9.]+)` \| (\w+) \| (.*) \|$/gm)];
    const expected = Object.entries(EVENT_KINDS).map(([kind, said]) => {
      const [source, ...rest] = said.split(": ");
      return [kind, source, rest.join(": ").replaceAll("|", "\\|")];
    });
    expect(rows.map((row) => row.slice(1))).toEqual(expected);
  });
});

function emptyBatch(): Parameters<typeof eventBatchToWire>[0] {
  return { host: "h", source: "l0", incarnation: 1, firstSeq: 1, events: [] };
}

function blank(): WireEventBatch["events"][number] {
  const batch = WireEventBatch.decode(new Uint8Array([0x2a, 0x00]));
  const [first] = batch.events;
  if (first === undefined) throw new Error("an empty event decodes");
  return first;
}
