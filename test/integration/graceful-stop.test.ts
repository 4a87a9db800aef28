import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { HistoryEvent } from "@vmcslab/history";
import { checkHealth, historyFiles, L0Client, readHistory, systemClock, TraceClient } from "@vmcslab/runtime";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type ServiceProcess, startService } from "./service-process.js";

/** Beyond what a service has for all that it does when it is stopped, a busy machine's share. */
const STOP_MS = 8000;

const stops: (() => unknown)[] = [];
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "vmcslab-stop-"));
});

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
  await rm(directory, { recursive: true });
});

async function start(...args: string[]): Promise<ServiceProcess> {
  const service = await startService(args);
  stops.push(() => service.kill());
  return service;
}

interface Host {
  readonly trace: ServiceProcess;
  readonly l0: ServiceProcess;
  readonly cpus: readonly ServiceProcess[];
  readonly client: L0Client;
}

async function startHost(): Promise<Host> {
  const trace = await start("trace", "--dir", join(directory, "history"));
  const bus = ["--trace", trace.address, "--spool", join(directory, "spool")];
  const l0 = await start("l0", "--host-name", "h", ...bus);
  const cpus = await Promise.all(
    [0, 1].map((cpu) => start("cpu", "--host-name", "h", "--id", `${cpu}`, "--l0", l0.address, ...bus)),
  );
  const client = new L0Client(l0.address);
  stops.push(() => client.close());
  for (const { address } of [trace, l0, ...cpus])
    await expect.poll(() => checkHealth(address), { timeout: 15_000 }).toBe("SERVING");
  return { trace, l0, cpus, client };
}

async function vcpuOn(client: L0Client, cpu: number): Promise<number> {
  const created = await client.createVcpu({ cpu });
  if (!created.ok) throw new Error(created.error.message);
  return created.value;
}

/** What trace has stored of a source. */
async function eventsOf(source: string): Promise<HistoryEvent[]> {
  const events: HistoryEvent[] = [];
  for (const file of await historyFiles(join(directory, "history"))) {
    for await (const event of readHistory(file)) if (event.source === source) events.push(event);
  }
  return events;
}

async function livesOf(trace: ServiceProcess) {
  const client = new TraceClient(trace.address);
  const counts = await client.counts();
  client.close();
  return counts.ok ? counts.value.sources : [];
}

describe("a service that is told to stop", () => {
  test("as a CPU hands its VMCSs over to L0 first, so that nothing is lost with it", async () => {
    const { trace, l0, client, cpus } = await startHost();
    const vcpu = await vcpuOn(client, 1);
    const staying = await vcpuOn(client, 1);
    expect(await cpus[1]?.end("SIGTERM")).toMatchObject({ exitCode: 0 });
    const state = await client.nestedState(vcpu);
    expect(state).toMatchObject({ ok: true, value: { vmcs01: { cpu: -1, launched: false } } });
    expect(await client.placeVcpu(vcpu, 0)).toMatchObject({ ok: true });
    await client.flushHost();
    const fromL0 = await eventsOf("l0");
    expect(fromL0.filter(({ kind }) => kind === "vmcs.lost")).toEqual([]);
    expect(fromL0.filter(({ kind }) => kind === "cpu.offline")).toMatchObject([{ cpu: 1, count: 2 }]);
    expect((await eventsOf("cpu1")).at(-1)).toMatchObject({ kind: "vmx.off" });
    const lives = await livesOf(trace);
    expect(lives.find(({ source }) => source === "cpu1")).toMatchObject({ ended: true, lost: 0 });
    expect(lives.find(({ source }) => source === "cpu0")).toMatchObject({ ended: false });
    // What stayed goes on when the CPU is back.
    await start("cpu", "--host-name", "h", "--id", "1", "--l0", l0.address, "--trace", trace.address);
    const goesOn = async () => (await client.runL1(staying, [{ op: "write32", addr: 0x1000n, value: 1 }])).ok;
    await expect.poll(goesOn, { timeout: 10_000 }).toBe(true);
  }, 60_000);

  test("as a CPU whose L0 does not answer goes all the same, and what it published is known to the end", async () => {
    const { trace, l0, client, cpus } = await startHost();
    await vcpuOn(client, 1);
    l0.process.kill("SIGSTOP");
    const { exitCode, ms } = (await cpus[1]?.end("SIGINT")) ?? {};
    expect(exitCode).toBe(0);
    expect(ms).toBeGreaterThan(900);
    expect(ms).toBeLessThan(STOP_MS);
    const lives = await livesOf(trace);
    expect(lives.find(({ source }) => source === "cpu1")).toMatchObject({ ended: true, lost: 0 });
  }, 60_000);

  test("as L0 refuses new work at once, and what is under way ends first", async () => {
    const { l0, client, cpus, trace } = await startHost();
    const vcpu = await vcpuOn(client, 1);
    cpus[1]?.process.kill("SIGSTOP");
    const placing = client.placeVcpu(vcpu, 0);
    await systemClock.sleep(200);
    const ending = l0.end("SIGTERM");
    await expect.poll(() => checkHealth(l0.address), { timeout: 1500, interval: 10 }).toBe("NOT_SERVING");
    expect(await client.createVcpu({ cpu: 0 })).toEqual({
      ok: false,
      error: { code: "stopping", definite: true, message: "L0 is stopping" },
    });
    // Not cut off: it ends as it would have.
    expect(await placing).toMatchObject({ ok: false, error: { code: "deadline", definite: false } });
    const { exitCode, ms } = await ending;
    expect(exitCode).toBe(0);
    expect(ms).toBeLessThan(STOP_MS);
    const ends = (await eventsOf("l0")).filter(({ kind }) => kind === "op.end");
    expect(ends.at(-1)).toMatchObject({ instruction: "placeVcpu", status: "deadline", definite: false });
    expect((await livesOf(trace)).find(({ source }) => source === "l0")).toMatchObject({ ended: true, lost: 0 });
  }, 60_000);

  test.each([
    ["SIGTERM", 143],
    ["SIGINT", 130],
  ] as const)(
    "twice, the second time by %s, ends at once with exit code %i",
    async (second, code) => {
      const { l0, client, cpus } = await startHost();
      const vcpu = await vcpuOn(client, 1);
      cpus[1]?.process.kill("SIGSTOP");
      void client.placeVcpu(vcpu, 0);
      await systemClock.sleep(200);
      const first = l0.end("SIGTERM");
      await expect.poll(() => checkHealth(l0.address), { timeout: 1500, interval: 10 }).toBe("NOT_SERVING");
      const { exitCode, ms } = await l0.end(second);
      expect(exitCode).toBe(code);
      expect(ms).toBeLessThan(1000);
      await first;
    },
    60_000,
  );

  test("goes within its bound when everybody else is gone; what nobody took the next life publishes", async () => {
    const { trace, l0, client, cpus } = await startHost();
    await vcpuOn(client, 1);
    trace.process.kill("SIGSTOP");
    const [cpu0, cpu1] = cpus;
    cpu0?.process.kill("SIGKILL");
    for (let i = 0; i < 20; i++) await client.createVcpu({ cpu: 1 });
    l0.process.kill("SIGSTOP");
    const ended = await cpu1?.end("SIGTERM");
    expect(ended?.exitCode).toBe(0);
    expect(ended?.ms).toBeLessThan(STOP_MS);
    l0.process.kill("SIGCONT");
    expect(await l0.end("SIGTERM")).toMatchObject({ exitCode: 0 });
    trace.process.kill("SIGCONT");
    const bus = ["--trace", trace.address, "--spool", join(directory, "spool")];
    const again = await start("l0", "--host-name", "h", ...bus);
    const cpusAgain = await Promise.all(
      [0, 1].map((cpu) => start("cpu", "--host-name", "h", "--id", `${cpu}`, "--l0", again.address, ...bus)),
    );
    const over = async () => {
      const lives = await livesOf(trace);
      return ["l0", "cpu0", "cpu1"].map(
        (source) => lives.filter((life) => life.source === source && life.ended).length,
      );
    };
    await expect.poll(over, { timeout: 10_000 }).toEqual([1, 1, 1]);
    for (const { lost } of await livesOf(trace)) expect(lost).toBe(0);
    expect((await eventsOf("l0")).filter(({ kind }) => kind === "vcpu.created").length).toBeGreaterThanOrEqual(1);
    await Promise.all(cpusAgain.map((cpu) => cpu.end("SIGTERM")));
  }, 90_000);

  test("as trace answers what it has stored; the rest comes again to its next life", async () => {
    const { trace, client, cpus, l0 } = await startHost();
    let isRunning = true;
    const working = (async () => {
      while (isRunning) {
        const made = await client.createVcpu({ cpu: 0 });
        if (made.ok) await client.destroyVcpu(made.value);
      }
    })();
    await systemClock.sleep(300);
    expect(await trace.end("SIGTERM")).toMatchObject({ exitCode: 0 });
    await systemClock.sleep(100);
    const again = await start("trace", "--dir", join(directory, "history"), "--listen", trace.address);
    await systemClock.sleep(300);
    isRunning = false;
    await working;
    const flushed = await client.flushHost();
    if (!flushed.ok) throw new Error(flushed.error.message);
    expect(flushed.value.silent).toEqual([]);
    const lives = await livesOf(again);
    for (const { source, published } of flushed.value.positions)
      expect(lives.find((life) => life.source === source)).toMatchObject({ published, stored: published, lost: 0 });
    for (const service of [...cpus, l0]) await service.end("SIGTERM");
  }, 60_000);
});
