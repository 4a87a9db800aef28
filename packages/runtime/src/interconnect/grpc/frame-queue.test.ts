import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { BatchInstruction, ConnectRequest, ConnectResponse } from "../../generated/vmcslab/v1/interconnect.js";
import { FrameQueue } from "./frame-queue.js";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function batch(id: number, values = 0): ConnectRequest {
  const encodings = Array.from({ length: values }, () => 0x681e);
  const instruction: BatchInstruction =
    values === 0
      ? { instruction: { $case: "interrupt", value: {} } }
      : { instruction: { $case: "vmread", value: { encodings } } };
  const value = { id: BigInt(id), cpu: 0, operation: 1n, instructions: [instruction] };
  return { lamport: BigInt(1000 + id), acknowledged: BigInt(id - 1), frame: { $case: "batch", value } };
}

function welcome(batchesPerFrame: number): ConnectResponse {
  const value = { cpu: 0, incarnation: 1n, executed: 0n, report: undefined, clock: "", batchesPerFrame };
  return { lamport: 0n, frame: { $case: "welcome", value } };
}

function completions(...ids: number[]): ConnectResponse {
  const each = ids.map((id) => ({ id: BigInt(id), cpu: 0, results: [], timing: undefined }));
  return { lamport: 0n, frame: { $case: "completions", value: { completions: each } } };
}

function idsOf({ frame }: ConnectRequest): number[] {
  if (frame?.$case === "batch") return [Number(frame.value.id)];
  return frame?.$case === "batches" ? frame.value.batches.map(({ id }) => Number(id)) : [];
}

/** `frames`: the batches of each frame that was written. */
function queued(perFrame: number) {
  const written: ConnectRequest[] = [];
  const queue = new FrameQueue((frame) => void written.push(frame));
  queue.received(welcome(perFrame));
  return { queue, written, frames: () => written.map(idsOf) };
}

describe("frames to a CPU", () => {
  it("have one batch each when its welcome says nothing else", async () => {
    const { queue, frames } = queued(0);
    for (const id of [1, 2, 3]) queue.send(batch(id));
    expect(frames()).toEqual([[1], [2], [3]]);
    await turn();
    expect(frames()).toHaveLength(3);
  });

  it("go out at once to one that has nothing to do, and together at the end of the turn to one that has", async () => {
    const { queue, written, frames } = queued(16);
    for (const id of [1, 2, 3]) queue.send(batch(id));
    expect(frames()).toEqual([[1]]);
    await turn();
    expect(frames()).toEqual([[1], [2, 3]]);
    expect(written[1]).toMatchObject({ lamport: 1003n, acknowledged: 2n });
    queue.received(completions(1, 2));
    queue.send(batch(4));
    expect(frames()).toHaveLength(2);
    await turn();
    queue.received(completions(3, 4));
    queue.send(batch(5));
    expect(frames()).toEqual([[1], [2, 3], [4], [5]]);
  });

  it("hold no more than the CPU takes, nor more than its answer has room for", async () => {
    const { queue, frames } = queued(4);
    for (let id = 1; id <= 7; id++) queue.send(batch(id));
    expect(frames()).toEqual([[1], [2, 3, 4, 5]]);
    queue.send(batch(8, 4000));
    queue.send(batch(9, 4000));
    await turn();
    expect(frames()).toEqual([[1], [2, 3, 4, 5], [6, 7, 8], [9]]);
  });

  it("have every batch once, in order, and what comes between them stays there", async () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.constant("send" as const) },
      fc.constantFrom("hello" as const, "turn" as const, "complete" as const),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 5 }), async (steps, perFrame) => {
        const { queue, written } = queued(perFrame);
        const expected: unknown[] = [];
        let last = 0;
        for (const each of steps) {
          if (each === "send") {
            queue.send(batch(++last));
            expected.push(last);
          } else if (each === "hello") {
            queue.send({ lamport: 0n, acknowledged: 0n, frame: undefined });
            expected.push("other");
          } else if (each === "complete") queue.received(completions(last));
          else await turn();
        }
        await turn();
        expect(written.flatMap<unknown>((frame) => (frame.frame === undefined ? "other" : idsOf(frame)))).toEqual(
          expected,
        );
        for (const frame of written) expect(idsOf(frame).length).toBeLessThanOrEqual(perFrame);
      }),
    );
  });
});
