import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { HistoryEvent } from "@vmcslab/history";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { EventBatch } from "../port.js";
import { recoverLives } from "./recover.js";
import { Spool } from "./spool.js";

const LIFE = { host: "h", source: "cpu0" };

let directory: string;
let troubles: unknown[];
let warnings: string[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "vmcslab-spool-"));
  troubles = [];
  warnings = [];
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

function spoolOf(eventsMax = 50_000): Spool {
  return new Spool({ ...LIFE, directory, eventsMax, onTrouble: (error) => troubles.push(error) });
}

function event(incarnation: number, seq: number): HistoryEvent {
  const stamp = { ...LIFE, incarnation, seq, lamport: seq, wallUs: 1_700_000_000_000_000, monoNs: seq };
  return { kind: "vmx.off", operation: 0, cpu: 0, ...stamp };
}

/** Records events as one turn of the event loop does. */
function record(spool: Spool, incarnation: number, first: number, last: number): void {
  for (let seq = first; seq <= last; seq++) spool.add(event(incarnation, seq));
  spool.write();
}

const segments = (of = directory): string[] => readdirSync(of).filter((name) => name.endsWith(".spool"));

interface Recovered {
  readonly stillLived: number;
  /** Numbers of the events per life, and where it was said to end. */
  readonly lives: Record<number, { readonly seqs: number[]; readonly end?: number }>;
}

/** What a later life would find if the process died now: a lock of a living process is no part of that. */
async function recovered(): Promise<Recovered> {
  const later = mkdtempSync(join(tmpdir(), "vmcslab-spool-later-"));
  for (const name of segments()) copyFileSync(join(directory, name), join(later, name));
  try {
    return await recoverFrom(later);
  } finally {
    rmSync(later, { recursive: true });
  }
}

async function recoverFrom(from: string, isOwn = (_incarnation: number) => false): Promise<Recovered> {
  const lives: Record<number, { seqs: number[]; end?: number }> = {};
  const publish = ({ incarnation, firstSeq, events, ends }: EventBatch): Promise<void> => {
    lives[incarnation] ??= { seqs: [] };
    lives[incarnation].seqs.push(...events.map(({ seq }) => seq));
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => firstSeq + index));
    if (ends === true) lives[incarnation].end = firstSeq - 1;
    return Promise.resolve();
  };
  const logger = { info: () => {}, warn: (_: object, message: string) => void warnings.push(message) };
  const { stillLived } = await recoverLives({ ...LIFE, directory: from, isOwn, publish, logger });
  return { stillLived, lives };
}

const range = (first: number, last: number): number[] =>
  Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);

describe("a spool", () => {
  test("holds an event when the turn in which it was recorded ends", async () => {
    const spool = spoolOf();
    spool.begin(5);
    spool.add(event(5, 1));
    spool.add(event(5, 2));
    expect((await recovered()).lives).toEqual({ 5: { seqs: [], end: 0 } });
    expect((await recovered()).lives).toEqual({ 5: { seqs: [1, 2], end: 2 } });
  });

  test("is written before what others queue in that turn, if it is told first", async () => {
    const spool = spoolOf();
    spool.begin(5);
    spool.schedule();
    const seenByOthers = Promise.resolve().then(() => recovered());
    spool.add(event(5, 1));
    expect((await seenByOthers).lives).toEqual({ 5: { seqs: [1], end: 1 } });
  });

  test("of a life that recorded nothing still says where it ended", async () => {
    spoolOf().begin(5);
    expect((await recovered()).lives).toEqual({ 5: { seqs: [], end: 0 } });
  });

  test("grows no further while the bus confirms, and keeps what it has not confirmed", async () => {
    const spool = spoolOf();
    spool.begin(5);
    let bytesMax = 0;
    // The bus is always 100 events behind, so that there is no moment in which everything is confirmed.
    for (let last = 200; last <= 60_000; last += 200) {
      record(spool, 5, last - 199, last);
      spool.confirmed(5, last - 100, false);
      const bytes = segments().reduce((sum, name) => sum + readFileSync(join(directory, name)).length, 0);
      bytesMax = Math.max(bytesMax, bytes);
    }
    expect(bytesMax).toBeLessThan(3 * 1024 * 1024);
    const { seqs, end } = (await recovered()).lives[5] ?? { seqs: [] };
    expect(end).toBe(60_000);
    expect(seqs.slice(-100)).toEqual(range(59_901, 60_000));
    expect(troubles).toEqual([]);
  });

  test("is emptied when everything in it was confirmed, and says where the sequence stands all the same", async () => {
    const spool = spoolOf();
    spool.begin(5);
    record(spool, 5, 1, 4000);
    spool.confirmed(5, 4000, false);
    expect(segments()).toHaveLength(1);
    expect((await recovered()).lives).toEqual({ 5: { seqs: [], end: 4000 } });
    record(spool, 5, 4001, 4001);
    expect((await recovered()).lives).toEqual({ 5: { seqs: [4001], end: 4001 } });
  });

  test("is gone when the bus knows where the life ended", () => {
    const spool = spoolOf();
    spool.begin(5);
    record(spool, 5, 1, 10);
    spool.confirmed(5, 10, true);
    spool.close();
    expect(readdirSync(directory)).toEqual([]);
    expect(troubles).toEqual([]);
  });

  test("of a life whose end the bus does not know stays, also when the process begins another", async () => {
    const spool = spoolOf();
    spool.begin(5);
    record(spool, 5, 1, 10);
    spool.confirmed(5, 10, false);
    spool.begin(6);
    record(spool, 6, 1, 3);
    expect((await recovered()).lives).toMatchObject({ 5: { end: 10 }, 6: { seqs: [1, 2, 3], end: 3 } });
    spool.confirmed(5, 10, true);
    expect((await recovered()).lives).toEqual({ 6: { seqs: [1, 2, 3], end: 3 } });
    spool.close();
    // The next life of the source finds it.
    expect(await recoverFrom(directory)).toMatchObject({ stillLived: 0, lives: { 6: { end: 3 } } });
    expect(readdirSync(directory)).toEqual([]);
  });

  test("that had no room for everything states no end, until something follows", async () => {
    const spool = spoolOf(2000);
    spool.begin(5);
    for (let last = 100; last <= 4000; last += 100) record(spool, 5, last - 99, last);
    expect((await recovered()).lives).toEqual({ 5: { seqs: range(1, 3000) } });
    spool.confirmed(5, 3500, false);
    record(spool, 5, 4001, 4010);
    // 3001 to 4000 are missing by their numbers.
    const { seqs, end } = (await recovered()).lives[5] ?? { seqs: [] };
    expect({ end, last: seqs.slice(-10) }).toEqual({ end: 4010, last: range(4001, 4010) });
    spool.confirmed(5, 4010, false);
    expect((await recovered()).lives).toMatchObject({ 5: { end: 4010 } });
    expect(troubles).toEqual([]);
  });

  test("that cannot be written is told once and removed: it would state a wrong end", async () => {
    const spool = spoolOf();
    spool.begin(5);
    record(spool, 5, 1, 10);
    // The next segment is there already.
    writeFileSync(join(directory, "h.cpu0.5.2.spool"), "");
    record(spool, 5, 11, 4000);
    spool.confirmed(5, 4000, false);
    record(spool, 5, 4001, 4002);
    spool.confirmed(5, 4002, false);
    expect(troubles).toHaveLength(1);
    expect(segments()).toEqual(["h.cpu0.5.2.spool"]);
    expect((await recovered()).lives[5]?.seqs).toEqual([]);
  });
});

describe("the spools of earlier lives", () => {
  test("are those of the same source of the same host", async () => {
    for (const source of ["cpu0", "cpu1", "cpu00"]) {
      const other = new Spool({ host: "h", source, directory, eventsMax: 10, onTrouble: () => {} });
      other.begin(7);
      other.close();
    }
    expect((await recoverFrom(directory)).lives).toEqual({ 7: { seqs: [], end: 0 } });
    expect(segments().sort()).toEqual(["h.cpu00.7.1.spool", "h.cpu1.7.1.spool"]);
  });

  test("are left alone while their process lives, and those of this life are not looked at", async () => {
    const spool = spoolOf();
    spool.begin(5);
    record(spool, 5, 1, 10);
    expect(await recoverFrom(directory)).toEqual({ stillLived: 1, lives: {} });
    expect(await recoverFrom(directory, (incarnation) => spool.isOwn(incarnation))).toEqual({
      stillLived: 0,
      lives: {},
    });
    expect(segments()).toHaveLength(1);
  });

  test("that were cut off anywhere lose the events of the record that is not whole, and nothing else", async () => {
    const spool = spoolOf();
    spool.begin(5);
    for (let seq = 1; seq <= 5; seq++) record(spool, 5, seq, seq);
    spool.close();
    const [name = ""] = segments();
    const whole = readFileSync(join(directory, name));
    rmSync(join(directory, name));
    const ends = new Set<number | undefined>();
    for (let bytes = 0; bytes <= whole.length; bytes++) {
      writeFileSync(join(directory, name), whole.subarray(0, bytes));
      const { seqs, end } = (await recoverFrom(directory)).lives[5] ?? { seqs: [] };
      expect(seqs).toEqual(range(1, end ?? 0));
      ends.add(end);
    }
    expect(ends).toEqual(new Set([0, 1, 2, 3, 4, 5]));
    expect(warnings).toEqual([]);
  });

  test("that hold something else publish what stands before it, state no end and are put aside", async () => {
    const spool = spoolOf();
    spool.begin(5);
    record(spool, 5, 1, 3);
    spool.close();
    const [name = ""] = segments();
    const path = join(directory, name);
    writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.from([3, 0xff, 0xff, 0xff])]));
    expect((await recoverFrom(directory)).lives).toEqual({ 5: { seqs: [1, 2, 3] } });
    expect(warnings).toEqual(["the spool of an earlier life is damaged; its end stays unknown"]);
    expect(readdirSync(directory)).toEqual([`${name}.damaged`]);
  });
});

test("whatever is recorded and confirmed in whatever order: what is not confirmed is there, in sequence, and the end is known", async () => {
  const step = fc.oneof(
    fc.record({ record: fc.integer({ min: 1, max: 1500 }) }),
    fc.record({ confirm: fc.double({ min: 0, max: 1, noNaN: true }) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const spool = spoolOf();
      spool.begin(5);
      let last = 0;
      let confirmed = 0;
      for (const action of steps) {
        if ("record" in action) {
          record(spool, 5, last + 1, last + action.record);
          last += action.record;
        } else {
          confirmed += Math.round((last - confirmed) * action.confirm);
          spool.confirmed(5, confirmed, false);
        }
      }
      const { seqs, end } = (await recovered()).lives[5] ?? { seqs: [] };
      expect(end).toBe(last);
      expect(seqs).toEqual(range(last - seqs.length + 1, last));
      expect(seqs.length).toBeGreaterThanOrEqual(last - confirmed);
      spool.confirmed(5, last, true);
      expect(readdirSync(directory)).toEqual([]);
    }),
    { numRuns: 30 },
  );
});
