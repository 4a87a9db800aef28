import { describe, expect, test } from "vitest";
import { systemClock } from "../clock.js";
import { LamportClock } from "../lamport.js";
import { MemorySink } from "./memory/sink.js";
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
    { incarnation: 9, firstSeq: 3, events: [] },
    { incarnation: 12, firstSeq: 1, events: [{ incarnation: 12, seq: 1, lamport: 3 }] },
    { incarnation: 12, firstSeq: 2, events: [] },
  ]);
});

describe("batch queue", () => {
  test("what does not fit is dropped and counted; later batches fit again", async () => {
    const { sink, recorder: r } = recorder();
    const queue = new BatchQueue(700);
    for (let i = 0; i < 1024; i++) r.record({ kind: "vmx.off", operation: 0, cpu: 0 });
    for (const batch of sink.batches) queue.add(batch);
    expect(queue.dropped).toBe(512);
    expect(await queue.emptied(systemClock, 10)).toBe(false);
    const emptied = queue.emptied(systemClock, 1000);
    queue.delivered(1);
    expect(await emptied).toBe(true);
    for (const batch of sink.batches.slice(0, 1)) queue.add(batch);
    expect(queue.dropped).toBe(512);
  });
});
