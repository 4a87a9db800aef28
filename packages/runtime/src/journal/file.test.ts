import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openFileJournal } from "./file.js";
import { type Journal, JournalDamaged, JournalLost } from "./port.js";

let directory: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "vmcslab-journal-"));
  path = join(directory, "journal");
});

afterEach(() => rmSync(directory, { recursive: true }));

function open(sync = false): Promise<Journal> {
  return openFileJournal({ path, sync });
}

async function readAll(): Promise<string[]> {
  const journal = await open();
  try {
    return (await journal.read()).map(hex);
  } finally {
    await journal.close();
  }
}

function hex(record: Uint8Array): string {
  return Buffer.from(record).toString("hex");
}

const record = fc.uint8Array({ maxLength: 40 });
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("append" as const), record }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("replace" as const), records: fc.array(record) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("durable" as const) }) },
);

describe("a journal in a file", () => {
  test.each([false, true])("says what was appended and replaced, whatever was waited for (sync: %s)", async (sync) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
        rmSync(path, { force: true });
        const journal = await open(sync);
        await journal.read();
        let expected: string[] = [];
        for (const taken of steps) {
          if (taken.kind === "append") {
            journal.append(taken.record);
            expected.push(hex(taken.record));
          } else if (taken.kind === "durable") await journal.durable();
          else {
            // Not waited for: what is appended meanwhile comes after.
            void journal.replace(taken.records);
            expected = taken.records.map(hex);
          }
        }
        await journal.durable();
        expect(journal.pending).toBe(0);
        await journal.close();
        expect(await readAll()).toEqual(expected);
      }),
      { numRuns: sync ? 15 : 60 },
    );
  });

  test("cut off at any byte of its end, says all that was durable and a prefix of the rest", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(record), fc.array(record, { minLength: 1, maxLength: 5 }), async (kept, rest) => {
        rmSync(path, { force: true });
        const journal = await open();
        await journal.read();
        for (const each of kept) journal.append(each);
        await journal.durable();
        const durableBytes = readFileSync(path).length;
        for (const each of rest) journal.append(each);
        await journal.durable();
        await journal.close();
        const whole = readFileSync(path);
        const all = [...kept, ...rest].map(hex);
        for (let end = durableBytes; end <= whole.length; end++) {
          writeFileSync(path, whole.subarray(0, end));
          const read = await readAll();
          expect(read).toEqual(all.slice(0, read.length));
          expect(read.length).toBeGreaterThanOrEqual(kept.length);
          if (end === whole.length) expect(read).toEqual(all);
        }
      }),
      { numRuns: 10 },
    );
  });

  test("cut off in its first bytes is empty, and can be written again", async () => {
    const journal = await open();
    await journal.read();
    await journal.close();
    const whole = readFileSync(path);
    for (let end = 0; end < whole.length; end++) {
      writeFileSync(path, whole.subarray(0, end));
      const again = await open();
      expect(await again.read()).toEqual([]);
      again.append(Uint8Array.of(7));
      await again.close();
      expect(await readAll()).toEqual(["07"]);
    }
  });

  test("goes on after an end that was cut off, or that a failed machine left as zeros", async () => {
    for (const end of [Buffer.from([9, 0, 0]), Buffer.alloc(5), Buffer.alloc(4096)]) {
      rmSync(path, { force: true });
      const first = await open();
      await first.read();
      first.append(Uint8Array.of(1));
      await first.close();
      writeFileSync(path, Buffer.concat([readFileSync(path), end]));
      const second = await open();
      expect((await second.read()).map(hex)).toEqual(["01"]);
      second.append(Uint8Array.of(2));
      await second.close();
      expect(await readAll()).toEqual(["01", "02"]);
    }
  });

  test("with any bit of a whole record turned is damage, not other records", async () => {
    const journal = await open();
    await journal.read();
    journal.append(Buffer.from("a record"));
    journal.append(Buffer.from("another"));
    await journal.close();
    const whole = readFileSync(path);
    // Its length is left out: a length that is too long is an end that was cut off.
    for (let at = 16; at < 16 + 12; at++) {
      const turned = Buffer.from(whole);
      turned[at] = (turned[at] ?? 0) ^ 0x10;
      writeFileSync(path, turned);
      await expect(readAll()).rejects.toThrow(JournalDamaged);
    }
  });

  test("counts the bytes appended since it was replaced, those meanwhile too", async () => {
    const journal = await open();
    await journal.read();
    journal.append(Buffer.alloc(100));
    const replaced = journal.replace([]);
    journal.append(Buffer.alloc(50));
    const meanwhile = journal.appendedBytes;
    expect(meanwhile).toBeGreaterThanOrEqual(50);
    expect(meanwhile).toBeLessThan(100);
    await replaced;
    expect(journal.appendedBytes).toBe(meanwhile);
    await journal.close();
  });

  test("has one writer at a time, and its lock goes with it", async () => {
    const first = await open();
    await expect(open()).rejects.toThrow(JournalLost);
    await first.close();
    expect(existsSync(`${path}.lock`)).toBe(false);
    await (await open()).close();
  });

  test("is taken over from a process that is gone, or from one whose number another has now", async () => {
    for (const holder of ["", "4194305 12\n", `${process.pid} 1\n`]) {
      writeFileSync(`${path}.lock`, holder);
      await (await open()).close();
    }
  });

  test("that cannot be written is lost for all that wait", async () => {
    const journal = await open();
    await journal.read();
    journal.append(Uint8Array.of(1));
    await journal.durable();
    // The rename has no folder to go to.
    rmSync(directory, { recursive: true });
    await expect(journal.replace([])).rejects.toThrow(JournalLost);
    journal.append(Uint8Array.of(2));
    await expect(journal.durable()).rejects.toThrow(JournalLost);
    expect(journal.pending).toBe(1);
    await journal.close();
    mkdirSync(directory);
  });
});
