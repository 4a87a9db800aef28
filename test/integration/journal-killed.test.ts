import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openJournal, randomBits32, systemClock } from "@vmcslab/runtime";
import { afterEach, beforeEach, expect, test } from "vitest";

const WRITER = fileURLToPath(new URL("../support/journal-writer.mjs", import.meta.url));
const KILLS = 100;
/** Of writers at a time; each has a journal of its own. */
const JOURNALS = 4;
const LIFE_MS_MAX = 60;

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "vmcslab-journal-killed-"));
});

afterEach(() => rm(directory, { recursive: true }));

/** Lets a writer live for `lifeMs` after its first durable record. The last number that it said was durable. */
async function killedWriter(path: string, lifeMs: number): Promise<number> {
  const child = spawn(process.execPath, [WRITER, path], { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  child.stdout.setEncoding("utf8");
  child.stdout.on("data", (text: string) => {
    said += text;
  });
  const closed = once(child, "close");
  await Promise.race([once(child.stdout, "data"), closed]);
  await systemClock.sleep(lifeMs);
  child.kill("SIGKILL");
  await closed;
  expect(child.signalCode, "it lived until it was killed").toBe("SIGKILL");
  // A number that the kill cut off is not one that was said.
  return Number(said.slice(0, said.lastIndexOf("\n")).split("\n").at(-1));
}

/** Numbers of the records; each says its own, and its contents repeat it. */
async function read(path: string): Promise<number[]> {
  const journal = await openJournal({ kind: "file", path, sync: false }, { host: "h", clock: systemClock });
  const records = (await journal?.read()) ?? [];
  await journal?.close();
  return records.map((bytes) => {
    const record = Buffer.from(bytes);
    const number = record.readUInt32LE(0);
    expect(record.subarray(4).every((byte) => byte === (number & 0xff))).toBe(true);
    return number;
  });
}

test(`a writer that is killed ${KILLS} times at any moment loses nothing that was durable`, async () => {
  const lives = async (journal: number): Promise<void> => {
    const path = join(directory, String(journal));
    for (let kill = 0; kill < KILLS / JOURNALS; kill++) {
      const durable = await killedWriter(path, randomBits32() % LIFE_MS_MAX);
      const numbers = await read(path);
      const [first = 0] = numbers;
      expect(durable).toBeGreaterThan(0);
      expect(numbers.at(-1)).toBeGreaterThanOrEqual(durable);
      expect(numbers).toEqual(numbers.map((_, index) => first + index));
    }
  };
  await Promise.all(Array.from({ length: JOURNALS }, (_, journal) => lives(journal)));
}, 180_000);
