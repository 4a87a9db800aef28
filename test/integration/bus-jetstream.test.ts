import type { ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  checkHealth,
  EventRecorder,
  LamportClock,
  NatsSink,
  natsEvents,
  systemClock,
  TraceClient,
} from "@vmcslab/runtime";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type RunningTrace, startTrace } from "../../services/trace/src/index.js";
import { freePort, missingNats, startNats, stopNats } from "../support/nats-server.js";

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

const stops: (() => unknown)[] = [];
let directory: string;
let port: number;
let nats: ChildProcess;

beforeEach(async () => {
  if (missingNats !== "") return;
  directory = await mkdtemp(join(tmpdir(), "vmcslab-jetstream-"));
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

/** Trace with a place of its own in the stream, or without. */
async function begin(consumer?: string): Promise<RunningTrace> {
  const named = consumer === undefined ? {} : { consumer };
  const options = { directory: join(directory, consumer ?? "nameless"), natsUrl: `127.0.0.1:${port}`, logger: silent };
  const trace = await startTrace({ ...options, ...named });
  stops.push(() => trace.stop());
  await expect.poll(() => checkHealth(trace.address), { timeout: 10_000 }).toBe("SERVING");
  return trace;
}

function source(name: string): EventRecorder {
  const sink = new NatsSink({ url: `127.0.0.1:${port}`, host: "h", source: name, clock: systemClock });
  stops.push(() => sink.close());
  const lamport = new LamportClock();
  return new EventRecorder({ host: "h", source: name, incarnation: 5, clock: systemClock, lamport, sink });
}

function publish(recorder: EventRecorder, count: number): void {
  for (let i = 0; i < count; i++) recorder.record({ kind: "vmx.off", operation: 0, cpu: 0 });
}

async function countsOf(trace: RunningTrace, name: string) {
  const client = new TraceClient(trace.address);
  const counts = await client.counts();
  client.close();
  return counts.ok ? counts.value.sources.find((count) => count.source === name) : undefined;
}

describe.skipIf(missingNats !== "")(`event bus over NATS JetStream, needs nats${missingNats}`, () => {
  test("what is published while trace is away is stored when it comes back, once", async () => {
    const cpu0 = source("cpu0");
    const first = await begin("trace");
    publish(cpu0, 700);
    expect(await cpu0.flush(5000)).toMatchObject({ complete: true });
    await expect.poll(() => countsOf(first, "cpu0"), { timeout: 5000 }).toMatchObject({ published: 700 });
    await first.stop();
    publish(cpu0, 700);
    expect(await cpu0.flush(5000)).toMatchObject({ complete: true });
    const second = await begin("trace");
    await expect
      .poll(() => countsOf(second, "cpu0"), { timeout: 5000 })
      .toMatchObject({ published: 1400, stored: 1400, lost: 0 });
  });

  test("a server that is killed while sources publish loses nothing", async () => {
    const sources = ["l0", "cpu0", "cpu1"].map((name) => ({ name, recorder: source(name) }));
    const trace = await begin("trace");
    for (let round = 0; round < 5; round++) {
      for (const { recorder } of sources) publish(recorder, 2000);
      await systemClock.sleep(30);
      if (round === 1) await stopNats(nats);
      if (round === 3) nats = natsHere();
    }
    for (const { name, recorder } of sources) {
      expect(await recorder.flush(20_000)).toMatchObject({ published: 10_000, complete: true, dropped: 0 });
      await expect
        .poll(() => countsOf(trace, name), { timeout: 10_000 })
        .toMatchObject({ published: 10_000, stored: 10_000, lost: 0 });
    }
  });

  test("a trace without a name begins with what is published from now on", async () => {
    const before = source("cpu0");
    publish(before, 10);
    expect(await before.flush(5000)).toMatchObject({ complete: true });
    const trace = await begin();
    const after = source("cpu1");
    publish(after, 10);
    await after.flush(5000);
    await expect.poll(() => countsOf(trace, "cpu1"), { timeout: 5000 }).toMatchObject({ stored: 10, lost: 0 });
    expect(await countsOf(trace, "cpu0")).toBeUndefined();
  });

  test("the health of trace follows the server", async () => {
    const trace = await begin("trace");
    await stopNats(nats);
    await expect.poll(() => checkHealth(trace.address), { timeout: 5000 }).toBe("NOT_SERVING");
    nats = natsHere();
    await expect.poll(() => checkHealth(trace.address), { timeout: 10_000 }).toBe("SERVING");
  });

  test("events are read one by one, from the first", async () => {
    const cpu0 = source("cpu0");
    publish(cpu0, 1500);
    await cpu0.flush(5000);
    const read: number[] = [];
    for await (const event of natsEvents({ url: `127.0.0.1:${port}`, clock: systemClock })) {
      read.push(event.seq);
      if (event.seq === 1500) break;
    }
    expect(read).toEqual(Array.from({ length: 1500 }, (_, index) => index + 1));
  });
});
