import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkHealth, FaultClient, newIncarnation, Publisher, systemClock, TraceClient } from "@vmcslab/runtime";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type RunningTrace, startTrace } from "./trace.js";

const SILENT = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
let directory: string;
let trace: RunningTrace;
let faults: FaultClient;
let client: TraceClient;
let source: Publisher;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "vmcslab-trace-"));
  trace = await startTrace({ directory, logger: SILENT });
  faults = new FaultClient(trace.address);
  client = new TraceClient(trace.address);
  source = new Publisher(
    { traceAddress: trace.address },
    "h",
    "cpu0",
    newIncarnation(systemClock),
    systemClock,
    SILENT,
  );
});

afterEach(async () => {
  faults.close();
  client.close();
  await source.close();
  await trace.stop();
  await rm(directory, { recursive: true });
});

const record = (): void => source.recorder.record({ kind: "vmx.off", operation: 0, cpu: 0 });
const health = (): Promise<string> => checkHealth(trace.address);

async function stored(): Promise<number> {
  const counts = await client.counts();
  if (!counts.ok) throw new Error(counts.error.message);
  return counts.value.sources.reduce((sum, { stored: events }) => sum + events, 0);
}

test("stopBus: trace takes no events and does not serve, its source buffers them, and nothing is lost", async () => {
  record();
  await source.flush();
  expect(await stored()).toBe(1);
  const injected = await faults.inject({ name: "silence", forNs: 60e9, action: { kind: "stopBus" } });
  expect(injected).toMatchObject({ ok: true, value: { where: "trace", state: "acting" } });
  await expect.poll(health).toBe("NOT_SERVING");
  record();
  record();
  expect(await source.recorder.flush(300)).toMatchObject({ complete: false });
  expect(await stored()).toBe(1);
  expect(source.sink.buffered).toBe(2);
  expect(await faults.clear(["silence"])).toMatchObject({ ok: true, value: [{ state: "ended" }] });
  await source.flush();
  expect(await stored()).toBe(3);
  await expect.poll(health).toBe("SERVING");
});

test("a stop in order does not wait for the end of a fault", async () => {
  await faults.inject({ forNs: 60e9, action: { kind: "stopBus" } });
  record();
  await source.recorder.flush(100);
  const startNs = systemClock.monoNs();
  await trace.stop();
  expect((systemClock.monoNs() - startNs) / 1e9).toBeLessThan(5);
});

test("what has nothing to be done to in trace is refused with the reason", async () => {
  expect(await faults.check({ action: { kind: "crashL0" } })).toMatchObject({
    ok: false,
    error: {
      code: "failedPrecondition",
      message: "crashL0 has nothing to be done to in trace, which takes stopBus: inject it at L0",
    },
  });
  expect(await faults.check({ action: { kind: "stopBus" } })).toEqual({ ok: true, value: undefined });
  expect(await faults.list()).toEqual({ ok: true, value: [] });
});
