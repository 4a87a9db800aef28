import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { HistoryEvent } from "@vmcslab/history";
import { eventBatchToWire, type eventsWire, historyFiles, readHistory } from "@vmcslab/runtime";
import { afterEach, beforeEach, expect, it } from "vitest";
import { copyHistory } from "./copy-history.js";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "vmcslab-copy-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

function batch(incarnation: number, firstSeq: number, count: number): eventsWire.EventBatch {
  const envelope = { host: "h", source: "cpu0", incarnation };
  const events = Array.from({ length: count }, (_, index): HistoryEvent => {
    const seq = firstSeq + index;
    return { ...envelope, kind: "vmx.off", operation: 0, cpu: 0, seq, lamport: seq, wallUs: 1, monoNs: 1 };
  });
  return eventBatchToWire({ ...envelope, firstSeq, events });
}

async function* stored(): AsyncGenerator<eventsWire.EventBatch> {
  yield batch(1, 1, 9);
  yield batch(2, 1, 4);
  yield batch(2, 5, 4);
  yield batch(3, 1, 6);
  yield batch(3, 7, 3);
  yield batch(4, 1, 2);
}

const at = (incarnation: number, published: number) => ({ host: "h", source: "cpu0", incarnation, published });

it("copies what is between the run's beginning and its end, though the host was there before and goes on", async () => {
  const bounds = { beginnings: [at(2, 6)], ends: [at(3, 7)] };
  const { stored: count, lives } = await copyHistory(stored(), bounds, directory);
  expect({ count, lives }).toEqual({ count: 9, lives: [at(2, 8), at(3, 7)] });
  const copied: string[] = [];
  for (const file of await historyFiles(directory))
    for await (const { incarnation, seq } of readHistory(file)) copied.push(`${incarnation}#${seq}`);
  expect(copied).toEqual(["2#7", "2#8", "3#1", "3#2", "3#3", "3#4", "3#5", "3#6", "3#7"]);
});

it("of a source that did not say where it stands everything is copied that trace has", async () => {
  const { lives } = await copyHistory(stored(), { beginnings: [], ends: [] }, directory);
  expect(lives.at(-1)).toEqual(at(4, 2));
});
