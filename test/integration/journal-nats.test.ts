import type { ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Journal, JournalLost, openJournal, systemClock } from "@vmcslab/runtime";
import { connect, type JetStreamManager, type NatsConnection } from "nats";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { freePort, missingNats, startNats, stopNats } from "../support/nats-server.js";

const SUBJECT = "vmcslab-journal.h.records";
const STREAM = "vmcslab_journal_h";
const MIB = 1024 * 1024;

const stops: (() => unknown)[] = [];
let directory: string;
let port: number;
let nats: ChildProcess;

beforeEach(async () => {
  if (missingNats !== "") return;
  directory = await mkdtemp(join(tmpdir(), "vmcslab-journal-nats-"));
  port = await freePort();
  nats = natsHere();
});

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
  if (missingNats === "") await rm(directory, { recursive: true });
});

function natsHere(): ChildProcess {
  const server = startNats(port, join(directory, "jetstream"));
  stops.push(() => stopNats(server));
  return server;
}

/** The server may just be starting. */
async function begin(): Promise<Journal> {
  let journal: Journal | undefined;
  const place = { host: "h", clock: systemClock, natsUrl: `127.0.0.1:${port}` };
  await expect
    .poll(
      async () => {
        journal = await openJournal({ kind: "nats" }, place).catch(() => undefined);
        return journal !== undefined;
      },
      { timeout: 10_000 },
    )
    .toBe(true);
  if (journal === undefined) throw new Error("no journal");
  const { close } = journal;
  stops.push(close.bind(journal));
  return journal;
}

async function readAgain(): Promise<string[]> {
  return texts(await (await begin()).read());
}

function texts(records: readonly Uint8Array[]): string[] {
  return records.map((record) => Buffer.from(record).toString());
}

function append(journal: Journal, ...records: string[]): void {
  for (const record of records) journal.append(Buffer.from(record));
}

async function bystander(): Promise<{ connection: NatsConnection; manager: JetStreamManager }> {
  const connection = await connect({ servers: `127.0.0.1:${port}` });
  stops.push(() => connection.close());
  return { connection, manager: await connection.jetstreamManager() };
}

describe.skipIf(missingNats !== "")(`a journal in JetStream, needs nats${missingNats}`, () => {
  test("says what was appended and replaced", async () => {
    const journal = await begin();
    expect(await journal.read()).toEqual([]);
    append(journal, "a", "b");
    await journal.durable();
    expect(journal.pending).toBe(0);
    const replaced = journal.replace([Buffer.from("ab")]);
    append(journal, "c", "");
    await replaced;
    await journal.durable();
    expect(await readAgain()).toEqual(["ab", "c", ""]);
    const { state } = await (await bystander()).manager.streams.info(STREAM);
    expect(state.first_seq).toBeGreaterThan(1);
  });

  test("takes records that are larger than a message may be", async () => {
    const journal = await begin();
    await journal.read();
    const large = "x".repeat(3 * MIB + 17);
    append(journal, "before", large, "after");
    await journal.durable();
    expect(await readAgain()).toEqual(["before", large, "after"]);
    await (await begin()).read();
  });

  test("is lost for its writer when another one takes it over", async () => {
    const first = await begin();
    await first.read();
    append(first, "1");
    await first.durable();
    const second = await begin();
    expect(texts(await second.read())).toEqual(["1"]);
    append(first, "too late");
    await expect(first.durable()).rejects.toThrow(JournalLost);
    append(second, "2");
    await second.durable();
    expect(await readAgain()).toEqual(["1", "2"]);
  });

  test("broken off in the middle of a replacement says what was before, and what the next writer appended", async () => {
    const journal = await begin();
    await journal.read();
    append(journal, "1", "2");
    await journal.durable();
    const { connection, manager } = await bystander();
    const before = (await manager.streams.info(STREAM)).state.last_seq;
    await journal.replace([Buffer.from("all"), Buffer.alloc(2 * MIB)]);
    const messages: Uint8Array[] = [];
    const { state } = await manager.streams.info(STREAM);
    for (let seq = before + 1; seq <= state.last_seq; seq++)
      messages.push((await manager.streams.getMessage(STREAM, { seq })).data);
    expect(messages.length).toBeGreaterThan(4);
    // The same again with its end missing, at every place where its writer can have been killed.
    for (let kept = 1; kept < messages.length; kept++) {
      await manager.streams.purge(STREAM);
      const writer = await begin();
      await writer.read();
      append(writer, "1", "2");
      await writer.durable();
      for (const message of messages.slice(0, kept)) await connection.jetstream().publish(SUBJECT, message);
      const next = await begin();
      expect(texts(await next.read())).toEqual(["1", "2"]);
      append(next, "3");
      await next.durable();
      expect(await readAgain()).toEqual(["1", "2", "3"]);
    }
  });

  test("a server that is killed and comes back has everything that was durable, in order, and takes what waited", async () => {
    const journal = await begin();
    await journal.read();
    const appended: string[] = [];
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 200; i++) {
        appended.push(`${round}.${i}`);
        append(journal, `${round}.${i}`);
        // The kill finds some under way.
        if (i < 150) await journal.durable();
      }
      await stopNats(nats);
      append(journal, `${round} away`);
      appended.push(`${round} away`);
      await systemClock.sleep(1500);
      expect(journal.pending).toBeGreaterThan(0);
      nats = natsHere();
      await journal.durable();
      expect(journal.pending).toBe(0);
    }
    expect(await readAgain()).toEqual(appended);
  }, 60_000);

  test("a server that lost the stream makes it lost", async () => {
    const journal = await begin();
    await journal.read();
    await (await bystander()).manager.streams.delete(STREAM);
    append(journal, "1");
    await expect(journal.durable()).rejects.toThrow(JournalLost);
  }, 20_000);

  test("a server without JetStream is refused", async () => {
    await stopNats(nats);
    const plain = startNats(port);
    stops.push(() => stopNats(plain));
    const place = { host: "h", clock: systemClock, natsUrl: `127.0.0.1:${port}` };
    await expect
      .poll(() => openJournal({ kind: "nats" }, place).catch((error: unknown) => String(error)), { timeout: 5000 })
      .toMatch(/has no JetStream/);
  });
});
