import { describe, expect, it } from "vitest";
import type { HistoryEvent } from "./event.js";
import { mergeAsyncStreams, mergeStreams } from "./merge.js";

function event(source: string, seq: number, lamport: number, incarnation = 1): HistoryEvent {
  return { kind: "vm.exit", operation: 0, host: "h", source, seq, incarnation, lamport, wallUs: 0, monoNs: 0 };
}

const L0 = [event("l0", 1, 1), event("l0", 2, 5), event("l0", 3, 9)];
const CPU0 = [event("cpu0", 1, 2), event("cpu0", 2, 5), event("cpu0", 3, 5)];
const CPU1 = [event("cpu1", 1, 6)];
const names = (events: Iterable<HistoryEvent>): string[] => [...events].map(({ source, seq }) => `${source}.${seq}`);
const MERGED = ["l0.1", "cpu0.1", "cpu0.2", "cpu0.3", "l0.2", "cpu1.1", "l0.3"];

async function* slowly(events: readonly HistoryEvent[], closed: string[] = []): AsyncGenerator<HistoryEvent> {
  try {
    for (const event of events) {
      await Promise.resolve();
      yield event;
    }
  } finally {
    closed.push(events[0]?.source ?? "empty");
  }
}

describe("merging streams", () => {
  it("orders by logical clock, then source, then sequence", () => {
    expect(names(mergeStreams([L0, CPU0, CPU1]))).toEqual(MERGED);
  });

  it("does not depend on the order in which streams are given, nor on empty ones", () => {
    expect(names(mergeStreams([[], CPU1, CPU0, [], L0]))).toEqual(MERGED);
    expect(names(mergeStreams([]))).toEqual([]);
  });

  it("puts an earlier life of a source before a later one on equal clocks", () => {
    expect(names(mergeStreams([[event("cpu0", 1, 3, 2)], [event("cpu0", 7, 3, 1)]]))).toEqual(["cpu0.7", "cpu0.1"]);
  });

  it("holds one event of each stream and no more", () => {
    const read: number[] = [];
    function* endless(source: string): Generator<HistoryEvent> {
      for (let seq = 1; ; seq++) {
        read.push(seq);
        yield event(source, seq, seq);
      }
    }
    const merged = mergeStreams([endless("cpu0"), endless("cpu1")]);
    for (let i = 0; i < 10; i++) merged.next();
    expect(read.length).toBeLessThanOrEqual(12);
  });

  it("lets go of the streams when its consumer stops early", () => {
    const closed: string[] = [];
    function* stream(events: readonly HistoryEvent[]): Generator<HistoryEvent> {
      try {
        yield* events;
      } finally {
        closed.push(events[0]?.source ?? "");
      }
    }
    for (const first of mergeStreams([stream(L0), stream(CPU0)])) if (first.seq > 0) break;
    expect(closed.sort()).toEqual(["cpu0", "l0"]);
  });

  it("gives the same order for streams that are read as they come", async () => {
    const merged: HistoryEvent[] = [];
    for await (const next of mergeAsyncStreams([slowly(CPU1), slowly(L0), slowly([]), slowly(CPU0)])) merged.push(next);
    expect(names(merged)).toEqual(MERGED);
  });

  it("lets go of asynchronous streams when its consumer stops early", async () => {
    const closed: string[] = [];
    for await (const first of mergeAsyncStreams([slowly(L0, closed), slowly(CPU0, closed)])) if (first.seq > 0) break;
    expect(closed.sort()).toEqual(["cpu0", "l0"]);
  });
});
