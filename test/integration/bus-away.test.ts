import { type ChildProcess, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  checkHealth,
  EventRecorder,
  type EventSink,
  L0Client,
  LamportClock,
  openSink,
  systemClock,
  TraceClient,
} from "@vmcslab/runtime";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { checkRun } from "../../packages/lab/src/check/index.js";
import { writeRecording } from "../../packages/lab/src/check/recording.js";
import { startCpu } from "../../services/cpu/src/index.js";
import { startL0 } from "../../services/l0/src/index.js";
import { startTrace } from "../../services/trace/src/index.js";
import { freePort, missingNats, startNats, stopNats } from "../support/nats-server.js";
import { type ServiceProcess, startService } from "./service-process.js";

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

const stops: (() => unknown)[] = [];
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "vmcslab-away-"));
});

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
  await rm(directory, { recursive: true });
});

interface Source {
  readonly sink: EventSink;
  readonly recorder: EventRecorder;
}

function source(name: string, bus: Parameters<typeof openSink>[0]): Source {
  const sink = openSink(bus, "h", name, systemClock);
  stops.push(() => sink.close());
  const lamport = new LamportClock();
  return {
    sink,
    recorder: new EventRecorder({ host: "h", source: name, incarnation: 5, clock: systemClock, lamport, sink }),
  };
}

function publish({ recorder }: Source, count: number, cause?: string): void {
  for (let i = 0; i < count; i++) recorder.record({ kind: "vmx.off", operation: 0, cpu: 0, ...(cause && { cause }) });
}

async function countsOf(address: string, name: string) {
  const client = new TraceClient(address);
  const counts = await client.counts();
  client.close();
  return counts.ok ? counts.value.sources.find((count) => count.source === name) : undefined;
}

const history = (): string => join(directory, "history");

/** What a check of the run's folder says, if its sources said this. */
async function verdictOf({ recorder, sink }: Source): Promise<{ verdict: string; doubts: readonly string[] }> {
  const position = await recorder.flush(5000);
  expect(position).toMatchObject({ complete: true, dropped: sink.dropped });
  await writeRecording(history(), { positions: [position], silent: [] });
  return await checkRun(history(), { around: 0, listedMax: 1 });
}

/** Trace as a process, which can be made to stand still. */
async function traceProcess(...args: string[]): Promise<ServiceProcess> {
  const trace = await startService(["trace", "--dir", history(), ...args]);
  stops.push(() => trace.kill());
  await expect.poll(() => checkHealth(trace.address), { timeout: 10_000 }).toBe("SERVING");
  return trace;
}

describe("trace that stands still, on the direct bus", () => {
  test("costs nothing while the buffer holds", async () => {
    const trace = await traceProcess();
    const cpu0 = source("cpu0", { traceAddress: trace.address });
    publish(cpu0, 600);
    trace.process.kill("SIGSTOP");
    // Longer than it takes to see that nobody answers.
    for (let round = 0; round < 10; round++) {
      publish(cpu0, 600);
      await systemClock.sleep(250);
    }
    trace.process.kill("SIGCONT");
    expect(await cpu0.recorder.flush(10_000)).toMatchObject({ published: 6600, dropped: 0, complete: true });
    expect(await countsOf(trace.address, "cpu0")).toMatchObject({ stored: 6600, lost: 0 });
  }, 30_000);

  test("costs what the buffer does not hold: counted alike on both sides, though nothing follows, and the verdict is unknown", async () => {
    const trace = await traceProcess();
    const cpu0 = source("cpu0", { traceAddress: trace.address, bufferedEvents: 1024 });
    await expect.poll(() => cpu0.sink.connected).toBe(true);
    trace.process.kill("SIGSTOP");
    publish(cpu0, 512 * 8);
    await systemClock.sleep(100);
    expect(cpu0.sink).toMatchObject({ dropped: 512 * 6, buffered: 1024 });
    trace.process.kill("SIGCONT");
    await expect
      .poll(() => countsOf(trace.address, "cpu0"), { timeout: 10_000 })
      .toMatchObject({ published: 512 * 8, stored: 1024, lost: 512 * 6 });
    const { verdict, doubts } = await verdictOf(cpu0);
    expect(verdict).toBe("unknown");
    expect(doubts).toContain(`${512 * 6} events are lost`);
  }, 30_000);
});

test("a sink that holds everything back makes its service unhealthy; released, nothing is lost", async () => {
  const trace = await startTrace({ directory: history(), logger: silent });
  stops.push(() => trace.stop());
  const cpu0 = source("cpu0", { traceAddress: trace.address });
  publish(cpu0, 10);
  expect(await cpu0.recorder.flush(5000)).toMatchObject({ complete: true });
  cpu0.sink.hold();
  publish(cpu0, 1000);
  expect(await cpu0.recorder.flush(200)).toMatchObject({ complete: false });
  expect(cpu0.sink).toMatchObject({ connected: false, buffered: 1000 });
  expect(await countsOf(trace.address, "cpu0")).toMatchObject({ stored: 10 });
  cpu0.sink.release();
  expect(await cpu0.recorder.flush(5000)).toMatchObject({ complete: true, dropped: 0 });
  expect(await countsOf(trace.address, "cpu0")).toMatchObject({ stored: 1010, lost: 0 });
});

describe.skipIf(missingNats !== "")(`NATS that is away, needs nats${missingNats}`, () => {
  let port: number;
  let nats: ChildProcess;

  beforeEach(async () => {
    port = await freePort();
  });

  function start(storage: "jetstream" | "core"): ChildProcess {
    const server = storage === "jetstream" ? startNats(port, join(directory, "jetstream")) : startNats(port);
    stops.push(() => stopNats(server));
    return server;
  }

  const url = (): string => `127.0.0.1:${port}`;

  async function nameTrace(): Promise<string> {
    const trace = await startTrace({ directory: history(), natsUrl: url(), consumer: "trace", logger: silent });
    stops.push(() => trace.stop());
    await expect.poll(() => checkHealth(trace.address), { timeout: 10_000 }).toBe("SERVING");
    return trace.address;
  }

  test.each<["SIGSTOP" | "SIGKILL"]>([["SIGSTOP"], ["SIGKILL"]])(
    "by %s: services go on working, and nothing is lost when it is back",
    async (how) => {
      nats = start("jetstream");
      const trace = await nameTrace();
      const bus = { natsUrl: url() };
      const l0 = await startL0({ bus, host: "h", logger: silent });
      stops.push(() => l0.stop());
      const cpu = await startCpu({ cpu: 0, bus, host: "h", l0Address: l0.address, logger: silent });
      stops.push(() => cpu.stop());
      await expect.poll(() => checkHealth(cpu.address), { timeout: 10_000 }).toBe("SERVING");
      const client = new L0Client(l0.address);
      stops.push(() => client.close());
      if (how === "SIGSTOP") nats.kill(how);
      else await stopNats(nats);
      const endNs = systemClock.monoNs() + 4e9;
      let operations = 0;
      while (systemClock.monoNs() < endNs) {
        const created = await client.createVcpu({ cpu: 0 });
        if (!created.ok) throw new Error(created.error.message);
        expect(await client.destroyVcpu(created.value)).toMatchObject({ ok: true });
        operations++;
      }
      expect(operations).toBeGreaterThan(10);
      expect(await checkHealth(l0.address)).toBe("NOT_SERVING");
      if (how === "SIGSTOP") nats.kill("SIGCONT");
      else nats = start("jetstream");
      await expect.poll(() => checkHealth(l0.address), { timeout: 10_000 }).toBe("SERVING");
      await expect.poll(async () => (await client.flushHost()).ok, { timeout: 10_000 }).toBe(true);
      const flushed = await client.flushHost();
      if (!flushed.ok) throw new Error(flushed.error.message);
      for (const { source: name, published, dropped } of flushed.value.positions) {
        expect(dropped).toBe(0);
        await expect
          .poll(() => countsOf(trace, name), { timeout: 10_000 })
          .toMatchObject({ published, stored: published, lost: 0 });
      }
    },
    60_000,
  );

  test("longer than the buffer lasts: the gap is counted alike on both sides, though nothing follows", async () => {
    nats = start("jetstream");
    const trace = await nameTrace();
    const cpu0 = source("cpu0", { natsUrl: url(), bufferedEvents: 2048 });
    publish(cpu0, 512);
    expect(await cpu0.recorder.flush(5000)).toMatchObject({ complete: true });
    nats.kill("SIGSTOP");
    publish(cpu0, 512 * 10);
    await systemClock.sleep(500);
    expect(cpu0.sink.dropped).toBe(512 * 6);
    nats.kill("SIGCONT");
    const lost = cpu0.sink.dropped;
    await expect
      .poll(() => countsOf(trace, "cpu0"), { timeout: 15_000 })
      .toMatchObject({ published: 512 * 11, stored: 512 * 5, lost });
    const { verdict, doubts } = await verdictOf(cpu0);
    expect(verdict).toBe("unknown");
    expect(doubts).toContain(`${lost} events are lost`);
  }, 30_000);

  test("a slow trace: without JetStream the server gives up on it, and that is seen as a gap", async () => {
    const config = join(directory, "nats.conf");
    writeFileSync(
      config,
      `listen: "127.0.0.1:${port}"\nmax_payload: 524288\nmax_pending: 524288\nwrite_deadline: "500ms"\n`,
    );
    nats = spawn("nats-server", ["-c", config], { stdio: "ignore" });
    stops.push(() => stopNats(nats));
    const trace = await traceProcess("--nats", url());
    const cpu0 = source("cpu0", { natsUrl: url() });
    publish(cpu0, 100);
    await expect.poll(() => countsOf(trace.address, "cpu0"), { timeout: 10_000 }).toMatchObject({ stored: 100 });
    trace.process.kill("SIGSTOP");
    // More than the server and both kernels' buffers hold.
    for (let round = 0; round < 30; round++) {
      publish(cpu0, 2000, "x".repeat(500));
      expect(await cpu0.recorder.flush(5000)).toMatchObject({ complete: true });
    }
    trace.process.kill("SIGCONT");
    await expect.poll(() => checkHealth(trace.address), { timeout: 15_000 }).toBe("SERVING");
    // To its last connection the server has given up nobody knows what; from the new one on everything arrives.
    await systemClock.sleep(1000);
    publish(cpu0, 100);
    expect(await cpu0.recorder.flush(5000)).toMatchObject({ complete: true });
    await expect.poll(() => countsOf(trace.address, "cpu0"), { timeout: 10_000 }).toMatchObject({ published: 60_200 });
    const { verdict, doubts } = await verdictOf(cpu0);
    const counts = await countsOf(trace.address, "cpu0");
    expect(counts?.lost).toBeGreaterThan(0);
    expect((counts?.stored ?? 0) + (counts?.lost ?? 0)).toBe(60_200);
    expect(cpu0.sink.dropped).toBe(0);
    expect(verdict).toBe("unknown");
    expect(doubts).toContainEqual(expect.stringMatching(/^\d+ events are lost$/));
  }, 60_000);

  test("a slow trace: with JetStream nothing is lost", async () => {
    nats = start("jetstream");
    const trace = await traceProcess("--nats", url(), "--consumer", "trace");
    const cpu0 = source("cpu0", { natsUrl: url() });
    trace.process.kill("SIGSTOP");
    for (let round = 0; round < 20; round++) {
      publish(cpu0, 2000);
      expect(await cpu0.recorder.flush(5000)).toMatchObject({ complete: true });
    }
    await systemClock.sleep(3000);
    trace.process.kill("SIGCONT");
    await expect
      .poll(() => countsOf(trace.address, "cpu0"), { timeout: 20_000 })
      .toMatchObject({ published: 40_000, stored: 40_000, lost: 0 });
  }, 60_000);
});
