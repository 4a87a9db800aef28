import type { Batch, Completion } from "@vmcslab/nested";
import { describe, expect, test } from "vitest";
import { InvalidMessage } from "../codec/invalid-message.js";
import type { ConnectRequest } from "../generated/vmcslab/v1/interconnect.js";
import { LamportClock } from "../lamport.js";
import { LIMITS } from "../limits.js";
import { type EndpointStream, InterconnectEndpoint, ProtocolViolation } from "./endpoint.js";
import type { InterconnectTarget } from "./port.js";

type Frame = ConnectRequest["frame"];

/** Completes every batch with so many field values. */
class Target implements InterconnectTarget {
  readonly cpu = 3;
  readonly incarnation = 100;
  readonly executed: number[] = [];
  fields = 0;

  holdsLease(): boolean {
    return true;
  }

  open(): undefined {
    return undefined;
  }

  receive({ id, cpu }: Batch): readonly Completion[] {
    this.executed.push(id);
    const encodings = Array.from({ length: this.fields }, () => 0x681e);
    return [{ id, cpu, results: [{ status: "succeed", fields: { encodings, low: encodings, high: encodings } }] }];
  }

  acknowledge(): void {}
}

function frameOf(frame: Frame, acknowledged = 0n, lamport = 0n): ConnectRequest {
  return { lamport, acknowledged, frame };
}

function hello(session = 7n): ConnectRequest {
  return frameOf({ $case: "hello", value: { cpu: 3, session, takesOver: false } });
}

type Instruction = NonNullable<Batch["instructions"]>[number]["kind"];

function batch(
  id: number,
  instruction: unknown = { $case: "vmxoff" satisfies Instruction, value: {} },
): ConnectRequest {
  const instructions = [{ instruction: instruction ?? undefined }] as Extract<
    Frame,
    { $case: "batch" }
  >["value"]["instructions"];
  return frameOf({ $case: "batch", value: { id: BigInt(id), cpu: 3, operation: 1n, instructions } });
}

function connected(target = new Target(), lamport = new LamportClock()): EndpointStream {
  const stream = new InterconnectEndpoint(target, lamport).connect();
  stream.receive(hello());
  return stream;
}

test("of whoever is refused, not even the clock counts", () => {
  const lamport = new LamportClock();
  const endpoint = new InterconnectEndpoint(new Target(), lamport);
  expect(() => endpoint.connect().receive(frameOf(undefined, 0n, 1000n))).toThrow("the first frame must be hello");
  expect(() => endpoint.connect().receive({ ...hello(0n), lamport: 1000n })).toThrow(InvalidMessage);
  expect(lamport.now).toBe(0);
  endpoint.connect().receive({ ...hello(), lamport: 1000n });
  expect(lamport.now).toBe(1000);
});

describe("several batches in a frame", () => {
  type Together = Extract<NonNullable<Frame>, { $case: "batches" }>;
  const together = (...ids: number[]): ConnectRequest => {
    const batches = ids.flatMap((id) => {
      const { frame } = batch(id);
      return frame?.$case === "batch" ? [frame.value] : [];
    });
    return frameOf({ $case: "batches", value: { batches } } satisfies Together);
  };
  const idsOf = (responses: ReturnType<EndpointStream["receive"]>): unknown =>
    responses.map(({ frame }) =>
      frame?.$case === "completions" ? frame.value.completions.map(({ id }) => Number(id)) : frame?.$case,
    );

  test("are executed in order, and answered in one", () => {
    const target = new Target();
    const stream = connected(target);
    expect(idsOf(stream.receive(together(1, 2, 3)))).toEqual([[1, 2, 3]]);
    expect(target.executed).toEqual([1, 2, 3]);
    expect(idsOf(stream.receive({ ...together(3, 4), acknowledged: 3n }))).toEqual([[4]]);
    expect(idsOf(stream.receive({ ...together(4), acknowledged: 4n }))).toEqual([]);
  });

  test("are refused as a whole when one of them is not valid, or there are too many or none", () => {
    const target = new Target();
    expect(() => connected(target).receive(together(1, 0))).toThrow(InvalidMessage);
    expect(() => connected(target).receive(together())).toThrow("0 batches of a frame: 1 to 16 at a time");
    const ids = Array.from({ length: LIMITS.batchesPerFrame.max + 1 }, (_, i) => i + 1);
    expect(() => connected(target).receive(together(...ids))).toThrow(InvalidMessage);
    expect(target.executed).toEqual([]);
  });
});

describe("a CPU that is sent what the protocol does not allow", () => {
  const image = { encodings: [0x681e], low: [1], high: [0] };

  test.each([
    [
      "an address that no region has",
      { $case: "vmclear", value: { region: 0x1001n, epoch: 0n } },
      "region of vmclear 0x1001 is not a multiple of 4096",
    ],
    [
      "an address beyond all memory",
      { $case: "vmxon", value: { region: 1n << 52n } },
      "region of vmxon 0x10000000000000 has more than 52 bits",
    ],
    [
      "an image with a field that there is not",
      { $case: "vmptrld", value: { region: 0x1000n, epoch: 1n, image: { ...image, encodings: [0xffff] } } },
      "image of vmptrld: 0xffff is no such field",
    ],
    [
      "a guest that changed a control field",
      {
        $case: "guestExit",
        value: { reason: 1, qualificationLow: 0, qualificationHigh: 0, guest: { ...image, encodings: [0x4000] } },
      },
      "guest state of guestExit: 0x4000 is no such field",
    ],
    [
      "a reason that no exit has",
      { $case: "guestExit", value: { reason: 0x1_0000, qualificationLow: 0, qualificationHigh: 0, guest: image } },
      "exit reason 65536 has more than 16 bits",
    ],
    [
      "too many fields to read",
      { $case: "vmread", value: { encodings: Array(LIMITS.fieldValues.max + 1).fill(0) } },
      "4097 encodings of vmread: at most 4096",
    ],
    ["a step that is none", null, "instruction of a batch is missing"],
  ])("%s: nothing is executed", (_, instruction, message) => {
    const target = new Target();
    expect(() => connected(target).receive(batch(1, instruction))).toThrow(new InvalidMessage(message));
    expect(target.executed).toEqual([]);
  });

  test("session 0, which would own the CPU and not be seen to", () => {
    const stream = new InterconnectEndpoint(new Target(), new LamportClock()).connect();
    expect(() => stream.receive(hello(0n))).toThrow("session 0: sessions are above it");
  });

  test("batches that all wait for one that never comes", () => {
    const stream = connected();
    expect(() => stream.receive(batch(LIMITS.earlyBatches.max + 1))).toThrow(ProtocolViolation);
    expect(() => stream.receive(batch(LIMITS.earlyBatches.max + 1))).toThrow("ahead of 0");
    stream.receive(batch(LIMITS.earlyBatches.max));
  });

  test("batches whose completions are never acknowledged", () => {
    const target = new Target();
    target.fields = 4096;
    const stream = connected(target);
    const flood = (): void => {
      for (let id = 1; id <= 1000; id++) stream.receive(batch(id));
    };
    expect(flood).toThrow("are not acknowledged");
    const held = target.executed.length;
    expect(held * 4097).toBeLessThan(LIMITS.unacknowledged.max + 2 * 4097);
    // What it completed is asked for again, and acknowledged: then there is room.
    stream.receive(batch(held));
    stream.receive(frameOf(undefined, BigInt(held)));
    stream.receive(batch(held + 1));
    expect(target.executed.at(-1)).toBe(held + 1);
  });

  test("a clock that no machine has reached: it is not adopted, so what the CPU sends next can be read", () => {
    const wallUs = 1_700_000_000_000_000;
    const lamport = new LamportClock(() => wallUs);
    const stream = connected(new Target(), lamport);
    const ahead = (us: number): ConnectRequest => frameOf(undefined, 0n, BigInt(wallUs + us));
    expect(() => stream.receive(frameOf(undefined, 0n, 2n ** 53n - 1n))).toThrow(
      "more than 24 h ahead of this machine's",
    );
    expect(() => stream.receive(ahead(24 * 3600e6 + 1))).toThrow(InvalidMessage);
    expect(lamport.now).toBe(0);
    stream.receive(ahead(5));
    expect(lamport.now).toBe(wallUs + 5);
    expect(() => stream.receive(frameOf(undefined, 0n, 2n ** 53n))).toThrow(
      "lamport 9007199254740992 does not fit in 53 bits",
    );
  });
});
