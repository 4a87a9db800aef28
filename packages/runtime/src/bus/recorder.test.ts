import { describe, expect, test } from "vitest";
import { systemClock } from "../clock.js";
import { LamportClock } from "../lamport.js";
import { MemorySink } from "./memory/sink.js";
import type { EventBatch } from "./port.js";
import { BatchQueue } from "./queue.js";
import { EventRecorder } from "./recorder.js";

function recorder() {
  const sink = new MemorySink();
  const lamport = new LamportClock();
  const made = new EventRecorder({ host: "h", source: "cpu0", incarnation: 9, clock: systemClock, lamport, sink });
  return { sink, lamport, recorder: made };
}

describe("event recorder", () => {
  test("stamps events with a gapless sequence and a growing Lamport clock", async () => {
    const { sink, lamport, recorder: r } = recorder();
    r.record({ kind: "vmx.on", operation: 1, cpu: 0, region: 0x1000 });
    lamport.witness(40);
    r.record({ kind: "vmx.off", operation: 2, cpu: 0 });
    const position = await r.flush(100);
    expect(position).toEqual({ host: "h", source: "cpu0", incarnation: 9, published: 2, dropped: 0, complete: true });
    const events = sink.batches.flatMap((batch) => batch.events);
    expect(events).toMatchObject([
      { kind: "vmx.on", seq: 1, lamport: 1, host: "h", source: "cpu0", incarnation: 9, region: 0x1000 },
      { kind: "vmx.off", seq: 2, lamport: 41 },
    ]);
  });

  test("a flush ends with a batch that states where the sequence stands", async () => {
    const { sink, recorder: r } = recorder();
    await r.flush(100);
    r.record({ kind: "vmx.off", operation: 0, cpu: 0 });
    await r.flush(100);
    expect(sink.batches.map(({ firstSeq, events }) => [firstSeq, events.length])).toEqual([
      [1, 0],
      [1, 1],
      [2, 0],
    ]);
  });

  test("batches hold at most 512 events and go out within a short time", async () => {
    const { sink, recorder: r } = recorder();
    for (let i = 0; i < 1100; i++) r.record({ kind: "vmx.off", operation: 0, cpu: 0 });
    expect(sink.batches.map(({ firstSeq, events }) => [firstSeq, events.length])).toEqual([
      [1, 512],
      [513, 512],
    ]);
    await systemClock.sleep(80);
    expect(sink.batches.at(-1)).toMatchObject({ firstSeq: 1025 });
    expect(sink.batches.at(-1)?.events).toHaveLength(76);
  });
});

test("another life of a source counts from 1, after the last one has said where it ended", async () => {
  const { sink, recorder: r } = recorder();
  r.record({ kind: "vmx.on", operation: 1, cpu: 0, region: 0x1000 });
  r.record({ kind: "vmx.off", operation: 0, cpu: 0 });
  r.beginLife(12);
  r.record({ kind: "vmx.on", operation: 2, cpu: 0, region: 0x2000 });
  expect(await r.flush(100)).toMatchObject({ incarnation: 12, published: 1 });
  expect(sink.batches).toMatchObject([
    {
      incarnation: 9,
      firstSeq: 1,
      events: [
        { incarnation: 9, seq: 1 },
        { incarnation: 9, seq: 2 },
      ],
    },
    { incarnation: 9, firstSeq: 3, events: [], ends: true },
    { incarnation: 12, firstSeq: 1, events: [] },
    { incarnation: 12, firstSeq: 1, events: [{ incarnation: 12, seq: 1, lamport: 3 }] },
    { incarnation: 12, firstSeq: 2, events: [] },
  ]);
  expect(sink.batches.at(-1)).not.toHaveProperty("ends");
  expect(await r.close(100)).toBe(true);
  expect(sink.batches.at(-1)).toMatchObject({ incarnation: 12, firstSeq: 2, events: [], ends: true });
});

describe("a sink that holds everything back", () => {
  test("looks as though the bus were away, and gives what it held in order", async () => {
    const { sink, recorder: r } = recorder();
    sink.hold();
    for (let i = 0; i < 600; i++) r.record({ kind: "vmx.off", operation: 0, cpu: 0 });
    expect(await r.flush(10)).toMatchObject({ published: 600, complete: false });
    expect(sink).toMatchObject({ connected: false, buffered: 600, batches: [] });
    sink.release();
    expect(sink.batches.map(({ firstSeq, events }) => [firstSeq, events.length])).toEqual([
      [1, 512],
      [513, 88],
      [601, 0],
    ]);
    expect(sink).toMatchObject({ connected: true, buffered: 0 });
  });
});

describe("batch queue", () => {
  /** Batches of 512 events of one sequence. */
  function batches(count: number): EventBatch[] {
    const { sink, recorder: r } = recorder();
    for (let i = 0; i < 512 * count; i++) r.record({ kind: "vmx.off", operation: 0, cpu: 0 });
    return sink.batches;
  }

  test("what does not fit is dropped and counted; later batches fit again, and their numbers show the gap", async () => {
    const [first, second, third] = batches(3);
    if (first === undefined || second === undefined || third === undefined) throw new Error("three batches");
    const fates: unknown[] = [];
    const queue = new BatchQueue(700);
    queue.add(first, (fate) => fates.push(["first", fate]));
    queue.add(second, (fate) => fates.push(["second", fate]));
    expect(queue).toMatchObject({ dropped: 512, buffered: 512 });
    expect(await queue.emptied(systemClock, 10)).toBe(false);
    const emptied = queue.emptied(systemClock, 1000);
    queue.delivered(1);
    queue.add(third, (fate) => fates.push(["third", fate]));
    expect(queue.batches.map(({ firstSeq }) => firstSeq)).toEqual([1025, 1025]);
    queue.delivered(2);
    expect(await emptied).toBe(true);
    expect(queue).toMatchObject({ dropped: 512, buffered: 0 });
    expect(fates).toEqual([
      ["second", "dropped"],
      ["first", "delivered"],
      ["third", "delivered"],
    ]);
  });

  test("when nothing follows what was dropped, the queue says itself how far the sequence came", async () => {
    const [first, second, third] = batches(3);
    if (first === undefined || second === undefined || third === undefined) throw new Error("three batches");
    const queue = new BatchQueue(600);
    for (const batch of [first, second, third]) queue.add(batch);
    const emptied = queue.emptied(systemClock, 1000);
    queue.delivered(1);
    expect(queue.batches).toMatchObject([{ firstSeq: 1537, events: [], incarnation: 9 }]);
    queue.delivered(1);
    expect(await emptied).toBe(true);
    expect(queue.dropped).toBe(1024);
    // Before anything else of another life.
    const other = { ...first, incarnation: 12, firstSeq: 1, events: [] };
    queue.add(first);
    queue.add(second);
    queue.add(other);
    expect(queue.batches).toMatchObject([{ firstSeq: 1 }, { firstSeq: 1025, events: [] }, other]);
  });

  test("a batch that is greater than the queue is a gap as well", () => {
    const [first] = batches(1);
    if (first === undefined) throw new Error("a batch");
    const queue = new BatchQueue(100);
    queue.add(first);
    expect(queue.batches).toMatchObject([{ firstSeq: 513, events: [] }]);
  });
});
