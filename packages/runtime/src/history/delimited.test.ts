import { appendFile, mkdtemp, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { HistoryEvent } from "@vmcslab/history";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { eventBatchToWire } from "../codec/event.js";
import { DamagedHistory, encodeDelimited, TruncatedHistory } from "./delimited.js";
import { historyFiles, readHistory } from "./reader.js";

let directory: string;
let path: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "vmcslab-history-"));
  path = join(directory, "h.l0.1.events");
});

afterEach(() => rm(directory, { recursive: true }));

function events(firstSeq: number, count: number): HistoryEvent[] {
  return Array.from({ length: count }, (_, index) => ({
    kind: "pool.hit",
    operation: 4,
    host: "h",
    source: "l0",
    incarnation: 1,
    seq: firstSeq + index,
    lamport: firstSeq + index,
    wallUs: 1_700_000_000_000_000,
    monoNs: 5,
    vcpu: 2,
    vmptr: 0x1000,
    order: [0x1000, 0x2000],
  }));
}

async function write(firstSeq: number, count: number): Promise<number> {
  const batch = { host: "h", source: "l0", incarnation: 1, firstSeq, events: events(firstSeq, count) };
  const bytes = encodeDelimited(eventBatchToWire(batch));
  await appendFile(path, bytes);
  return bytes.length;
}

async function readAll(): Promise<HistoryEvent[]> {
  const read: HistoryEvent[] = [];
  for await (const event of readHistory(path)) read.push(event);
  return read;
}

describe("a stored history", () => {
  test("is read as it was written, whatever the sizes of its batches", async () => {
    const sizes = [1, 3, 512, 2, 2000, 1];
    let seq = 1;
    for (const size of sizes) {
      await write(seq, size);
      seq += size;
    }
    expect(await readAll()).toEqual(events(1, seq - 1));
    expect(await historyFiles(directory)).toEqual([path]);
  });

  test("that was cut off gives what is whole, then says so", async () => {
    const whole = await write(1, 2);
    await write(3, 2);
    await truncate(path, whole + 10);
    const read: number[] = [];
    const reading = async (): Promise<void> => {
      for await (const event of readHistory(path)) read.push(event.seq);
    };
    await expect(reading()).rejects.toThrow(TruncatedHistory);
    expect(read).toEqual([1, 2]);
  });

  test.each([
    ["a length that no batch has", Buffer.from([0xff, 0xff, 0xff, 0x7f]), "byte 0: a batch of 268435455 bytes"],
    ["a length that does not end", Buffer.alloc(100_000, 0x80), "a batch of 0 bytes"],
    ["bytes that are no batch", Buffer.from([2, 0xfa, 0x51]), "byte 0: no batch of events"],
  ])("with %s is damaged, and is not read to its end to find out", async (_, bytes, message) => {
    await appendFile(path, bytes);
    await expect(readAll()).rejects.toThrow(DamagedHistory);
    await expect(readAll()).rejects.toThrow(message);
  });
});
