import type { ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkHealth, EventRecorder, LamportClock, NatsSink, systemClock, TraceClient } from "@vmcslab/runtime";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type RunningTrace, startTrace } from "../../services/trace/src/index.js";
import { freePort, missingNats, startNats, stopNats } from "../support/nats-server.js";

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

const stops: (() => unknown)[] = [];
let directory: string;
let port: number;
let trace: RunningTrace;

async function until(condition: () => Promise<boolean> | boolean, timeoutMs = 5000): Promise<void> {
  const end = systemClock.monoNs() + timeoutMs * 1e6;
  while (!(await condition())) {
    if (systemClock.monoNs() > end) throw new Error(`not within ${timeoutMs} ms`);
    await systemClock.sleep(20);
  }
}

function natsOn(onPort: number): ChildProcess {
  const server = startNats(onPort);
  stops.push(() => stopNats(server));
  return server;
}

function source(name: string): { sink: NatsSink; recorder: EventRecorder } {
  const sink = new NatsSink({ url: `127.0.0.1:${port}`, host: "h", source: name, clock: systemClock });
  stops.push(() => sink.close());
  const lamport = new LamportClock();
  const recorder = new EventRecorder({ host: "h", source: name, incarnation: 5, clock: systemClock, lamport, sink });
  return { sink, recorder };
}

async function countsOf(name: string) {
  const client = new TraceClient(trace.address);
  const counts = await client.counts();
  client.close();
  if (!counts.ok) throw new Error(counts.error.message);
  return counts.value.sources.find((count) => count.source === name);
}

describe.skipIf(missingNats !== "")(`event bus over NATS, needs nats${missingNats}`, () => {
  let nats: ChildProcess;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "vmcslab-nats-"));
    port = await freePort();
    nats = natsOn(port);
    trace = await startTrace({ directory, natsUrl: `nats://127.0.0.1:${port}`, logger: silent });
    stops.push(() => trace.stop());
    await until(async () => (await checkHealth(trace.address)) === "SERVING");
  });

  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop();
    await rm(directory, { recursive: true });
  });

  test("what sources publish is stored, in order, without loss", async () => {
    const sources = ["l0", "cpu0"].map((name) => ({ name, ...source(name) }));
    for (let i = 0; i < 3000; i++) {
      for (const { recorder } of sources) recorder.record({ kind: "vmx.off", operation: 0, cpu: 0 });
    }
    for (const { name, recorder } of sources) {
      expect(await recorder.flush(5000)).toMatchObject({ published: 3000, complete: true, dropped: 0 });
      await until(async () => (await countsOf(name))?.stored === 3000);
      expect(await countsOf(name)).toMatchObject({ published: 3000, stored: 3000, lost: 0 });
    }
  });

  test("a source whose server restarts keeps its events, and trace stores none twice", async () => {
    const { sink, recorder } = source("cpu1");
    recorder.record({ kind: "vmx.off", operation: 0, cpu: 1 });
    expect(await recorder.flush(5000)).toMatchObject({ complete: true });
    await stopNats(nats);
    await until(() => !sink.connected);
    for (let i = 0; i < 600; i++) recorder.record({ kind: "vmx.off", operation: 0, cpu: 1 });
    nats = natsOn(port);
    expect(await recorder.flush(10_000)).toMatchObject({ published: 601, complete: true });
    await until(async () => ((await countsOf("cpu1"))?.published ?? 0) === 601);
    const count = await countsOf("cpu1");
    // Which of the two comes back first decides whether trace saw the batches that were published in between.
    expect((count?.stored ?? 0) + (count?.lost ?? 0)).toBe(601);
  });

  test("a sink without a server buffers, and says that it is not connected", async () => {
    const sink = new NatsSink({ url: `127.0.0.1:${await freePort()}`, host: "h", source: "l0", clock: systemClock });
    sink.publish({ host: "h", source: "l0", incarnation: 1, firstSeq: 1, events: [] });
    expect(sink.connected).toBe(false);
    expect(await sink.flush(50)).toBe(false);
    await sink.close();
  });
});
