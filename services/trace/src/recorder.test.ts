import { readdirSync, readlinkSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { HistoryEvent } from "@vmcslab/history";
import { eventBatchToWire, eventsWire, historyFiles, InvalidMessage, readHistory } from "@vmcslab/runtime";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { TraceRecorder } from "./recorder.js";
import { EventStore } from "./store.js";

let directory: string;
let store: EventStore;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "vmcslab-trace-"));
  store = await EventStore.open(join(directory, "events"));
});

afterEach(async () => {
  await store.close();
  await rm(directory, { recursive: true });
});

function batch(source: string, firstSeq: number, count: number): eventsWire.EventBatch {
  const envelope = { host: "h", source, incarnation: 7 };
  const events = Array.from({ length: count }, (_, index): HistoryEvent => {
    const seq = firstSeq + index;
    return { ...envelope, kind: "vmx.off", operation: 0, cpu: 2, seq, lamport: seq, wallUs: 1, monoNs: 1 };
  });
  return eventBatchToWire({ ...envelope, firstSeq, events });
}

async function storedSequences(): Promise<Record<string, number[]>> {
  const sequences: Record<string, number[]> = {};
  for (const file of await historyFiles(join(directory, "events"))) {
    for await (const { source, seq } of readHistory(file)) sequences[source] = [...(sequences[source] ?? []), seq];
  }
  return sequences;
}

/** Of this process (Linux). */
function openFilesUnder(folder: string): number {
  return readdirSync("/proc/self/fd").filter((fd) => linkOf(fd).startsWith(folder)).length;
}

function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    // It was that of the folder itself.
    return "";
  }
}

describe("trace recorder", () => {
  const event = (over: Partial<eventsWire.Event>): eventsWire.EventBatch => {
    const good = batch("stranger", 1, 1);
    return { ...good, events: good.events.map((one) => ({ ...one, ...over })) };
  };

  test.each<[string, eventsWire.EventBatch, string]>([
    ["a host that is no name", { ...batch("stranger", 1, 1), host: "../h" }, '"../h.stranger" is not a source'],
    [
      "an incarnation that no file can be read back with",
      { ...batch("stranger", 1, 1), incarnation: 2n ** 53n },
      "incarnation 9007199254740992 does not fit in 53 bits",
    ],
    [
      "a sequence that ends beyond all numbers",
      { ...batch("stranger", 1, 1), firstSequence: 2n ** 53n - 1n },
      "first sequence number 9007199254740992 does not fit",
    ],
    ["a sequence that begins at 0", { ...batch("stranger", 1, 1), firstSequence: 0n }, "sequences count from 1"],
    ["too many events", batch("stranger", 1, 4097), "4097 events: at most 4096"],
    ["a kind that there is not", event({ kind: eventsWire.EventKind.UNRECOGNIZED }), "event kind -1 is not known"],
    ["a role that there is not", event({ role: eventsWire.VmcsRole.UNRECOGNIZED }), "VMCS role -1 is not known"],
    [
      "a clock that cannot be read back",
      event({ lamport: 2n ** 60n }),
      "lamport 1152921504606846976 does not fit in 53 bits",
    ],
    ["a CPU that no host has", event({ cpu: 64 }), "cpu 64 is not from -1 to 63"],
    ["an endless text", event({ cause: "x".repeat(257) }), "has 257 characters: at most 256"],
  ])("%s: nothing is stored, counted or remembered", async (_, bad, message) => {
    const recorder = new TraceRecorder(store);
    await recorder.receive(batch("l0", 1, 2));
    const before = recorder.counts();
    await expect(async () => await recorder.receive(bad)).rejects.toThrow(message);
    expect(recorder.counts()).toEqual(before);
    await recorder.flush();
    expect(await storedSequences()).toEqual({ l0: [1, 2] });
  });

  test("more lives than files may be open: all are stored, and few files stay open", async () => {
    const recorder = new TraceRecorder(store);
    const lives = Array.from({ length: 600 }, (_, life) => ({ ...batch("l0", 1, 1), incarnation: BigInt(life + 1) }));
    for (const life of [...lives, ...lives.slice(0, 3).map((first) => ({ ...first, firstSequence: 2n }))])
      await recorder.receive(life);
    await recorder.flush();
    expect(openFilesUnder(directory)).toBeLessThanOrEqual(256);
    expect((await storedSequences()).l0).toHaveLength(603);
  });

  test("stores each event once, per source, and counts by kind and CPU", async () => {
    const recorder = new TraceRecorder(store);
    const batches = [batch("l0", 1, 3), batch("cpu2", 1, 1), batch("l0", 2, 4), batch("l0", 9, 1), batch("cpu2", 5, 0)];
    await Promise.all(batches.map(recorder.receive));
    expect(await recorder.flush()).toBe(7);
    expect(await storedSequences()).toEqual({ l0: [1, 2, 3, 4, 5, 9], cpu2: [1] });
    const counts = recorder.counts();
    expect(counts.kinds).toEqual([{ kind: "vmx.off", stored: 7n }]);
    expect(counts.cpus).toEqual([{ cpu: 2, stored: 7n }]);
    expect(counts.sources).toMatchObject([
      { source: "l0", published: 9n, stored: 6n, lost: 3n, duplicates: 2n },
      { source: "cpu2", published: 4n, stored: 1n, lost: 3n, duplicates: 0n },
    ]);
  });

  test("a batch that the disk refuses is not counted, and is stored when it comes again", async () => {
    const recorder = new TraceRecorder(store);
    await recorder.receive(batch("l0", 1, 1));
    const append = store.append;
    store.append = () => Promise.reject(new Error("no space left"));
    await expect(recorder.receive(batch("l0", 2, 2))).rejects.toThrow("no space left");
    store.append = append;
    await recorder.receive(batch("l0", 2, 2));
    expect(await storedSequences()).toEqual({ l0: [1, 2, 3] });
    expect(recorder.counts().sources).toMatchObject([{ published: 3n, stored: 3n, lost: 0n, duplicates: 0n }]);
  });

  test("the end that a life stated is stored with it, once, and known after a restart", async () => {
    const recorder = new TraceRecorder(store);
    const end = { ...batch("l0", 4, 0), ends: true };
    for (const received of [batch("l0", 1, 3), batch("cpu2", 1, 1), end, end]) await recorder.receive(received);
    const ended = [
      { source: "l0", published: 3n, ended: true },
      { source: "cpu2", published: 1n, ended: false },
    ];
    expect(recorder.counts().sources).toMatchObject(ended);
    await recorder.flush();
    expect(await storedSequences()).toEqual({ l0: [1, 2, 3], cpu2: [1] });
    const later = new TraceRecorder(store);
    await later.restore();
    expect(later.counts().sources).toEqual(expect.arrayContaining(ended.map((life) => expect.objectContaining(life))));
    const stored: eventsWire.EventBatch[] = [];
    for await (const one of store.restored()) stored.push(one);
    expect(stored.filter(({ ends }) => ends)).toHaveLength(1);
  });

  test("a source whose name would leave the directory is refused", () => {
    const recorder = new TraceRecorder(store);
    expect(() => recorder.receive(batch("../l0", 1, 1))).toThrow(InvalidMessage);
    expect(() => recorder.receive(batch("l0", 0, 1))).toThrow("sequences count from 1");
  });
});
