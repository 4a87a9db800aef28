/** `vmcslab faults` against a host of processes: what is injected acts, ends by its lease, and is in the history. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type HistoryEvent, mergeAsyncStreams } from "@vmcslab/history";
import { historyFiles, L0Client, readHistory, systemClock, TraceClient } from "@vmcslab/runtime";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { vmcslab } from "./cli-process.js";
import { type ServiceProcess, startService } from "./service-process.js";

const services: ServiceProcess[] = [];
let directory = "";
let trace: ServiceProcess;
let l0: ServiceProcess;
let cpus: ServiceProcess[];
let client: L0Client;

async function start(...args: string[]): Promise<ServiceProcess> {
  const service = await startService(args);
  services.push(service);
  return service;
}

const startCpu = (cpu: number): Promise<ServiceProcess> =>
  start("cpu", "--id", `${cpu}`, "--host-name", "h", "--l0", l0.address, "--trace", trace.address);

/** Ends when L0 can use so many CPUs. */
async function online(count: number): Promise<void> {
  const endNs = systemClock.monoNs() + 20e9;
  for (;;) {
    const answer = await client.listCpus();
    if (answer.ok && answer.value.filter(({ state }) => state === "online").length === count) return;
    if (systemClock.monoNs() > endNs) throw new Error(`not ${count} CPUs within 20 s: ${JSON.stringify(answer)}`);
    await systemClock.sleep(20);
  }
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "vmcslab-faults-live-"));
  trace = await start("trace", "--dir", join(directory, "history"));
  l0 = await start("l0", "--host-name", "h", "--trace", trace.address, "--lost-cpu", "fence", "--lease", "1s");
  cpus = await Promise.all([0, 1, 2].map(startCpu));
  client = new L0Client(l0.address);
  await online(3);
});

afterEach(async () => {
  await faults(["clear"]);
});

afterAll(async () => {
  client?.close();
  for (const service of services) await service.kill();
  rmSync(directory, { recursive: true, force: true });
});

interface Said {
  readonly exitCode: number;
  readonly stderr: string;
  readonly statuses: readonly { name: string; state: string; where: string; strikes: number; notes: string[] }[];
}

async function faults([verb = "", ...args]: string[], address = l0.address): Promise<Said> {
  const { exitCode, stdout, stderr } = await vmcslab(["faults", verb, ...args, "--address", address, "--json"]);
  const { injected, faults: listed, cleared } = stdout === "" ? {} : JSON.parse(stdout);
  return { exitCode, stderr, statuses: injected ?? listed ?? cleared ?? [] };
}

async function faultEvents(): Promise<HistoryEvent[]> {
  await client.flushHost();
  const traced = new TraceClient(trace.address);
  await traced.flush();
  traced.close();
  const events: HistoryEvent[] = [];
  for await (const event of mergeAsyncStreams((await historyFiles(join(directory, "history"))).map(readHistory)))
    if (event.kind.startsWith("fault.")) events.push(event);
  return events;
}

describe("a fault that a command injected", () => {
  test("acts when the command is gone, ends by its lease, and its beginning and end are events", async () => {
    const injected = await faults(["inject", "partition", "cpu=1", "name=apart", "for=3s"]);
    expect(injected).toMatchObject({ exitCode: 0, statuses: [{ name: "apart", state: "acting", where: "l0" }] });
    // It has a lease of 1 s itself, which nobody renews.
    await online(2);
    expect((await faults(["list"])).statuses).toMatchObject([{ name: "apart", state: "acting" }]);
    await expect.poll(async () => (await faults(["list"])).statuses, { timeout: 10_000 }).toEqual([]);
    await online(3);
    const told = (await faultEvents()).filter(({ cause }) => cause === "apart");
    expect(told.map(({ kind, cpu }) => [kind, cpu])).toEqual([
      ["fault.injected", 1],
      ["fault.healed", 1],
    ]);
  });

  test("ends when it is cleared; to clear it again, or what never was, is no error", async () => {
    await faults(["inject", "dropReply", "method=interrupt", "name=lossy", "for=10min"]);
    expect(await faults(["clear", "lossy"])).toMatchObject({ exitCode: 0, statuses: [{ name: "lossy" }] });
    expect(await faults(["clear", "lossy"])).toMatchObject({ exitCode: 0, statuses: [] });
    expect(await faults(["clear", "nobody"])).toMatchObject({ exitCode: 0, statuses: [] });
    expect((await faults(["list"])).statuses).toEqual([]);
  });

  test("of the same name gets a new lease; another one is refused the name", async () => {
    await faults(["inject", "dropReply", "method=interrupt", "name=twice", "for=10min"]);
    expect(await faults(["inject", "dropReply", "method=interrupt", "name=twice", "for=20min"])).toMatchObject({
      exitCode: 0,
    });
    const other = await faults(["inject", "dropRequest", "method=interrupt", "name=twice"]);
    expect(other).toMatchObject({ exitCode: 64, statuses: [] });
    expect(other.stderr).toContain('another fault is called "twice"');
    expect((await faults(["list"])).statuses).toHaveLength(1);
  });

  test("strikes: every batch to CPU 2 is sent twice, and executed once", async () => {
    await faults(["inject", "duplicate", "to=cpu2", "method=batch", "name=twice", "for=10min"]);
    const created = await client.createVcpu({ cpu: 2 });
    if (!created.ok) throw new Error(created.error.message);
    expect(await client.destroyVcpu(created.value)).toMatchObject({ ok: true });
    const [struck] = (await faults(["clear", "twice"])).statuses;
    expect(struck?.strikes).toBeGreaterThan(1);
  });
});

describe("what is done to a CPU's process", () => {
  test("stall: it stands still and goes on by itself", async () => {
    const injected = await faults(["inject", "stall", "cpu=0", "name=still", "for=2s"]);
    expect(injected).toMatchObject({ exitCode: 0, statuses: [{ notes: [] }] });
    await online(2);
    await online(3);
  });

  test("crash at the next flush: the process dies when it has executed the clear, before L0 hears of it", async () => {
    const [, victim] = cpus;
    if (victim === undefined) throw new Error("there is no CPU 1");
    const died = new Promise((resolve) => victim.process.once("exit", (_code, signal) => resolve(signal)));
    expect(await faults(["inject", "crash", "cpu=1", "when=afterFlush", "name=dies", "for=10min"])).toMatchObject({
      exitCode: 0,
    });
    const created = await client.createVcpu({ cpu: 1 });
    if (!created.ok) throw new Error(created.error.message);
    void client.placeVcpu(created.value, 0);
    expect(await died).toBe("SIGKILL");
    await online(2);
    cpus[1] = await startCpu(1);
    await online(3);
    await expect.poll(async () => (await client.destroyVcpu(created.value)).ok, { timeout: 10_000 }).toBe(true);
  });

  test("one that has vanished is a note, and no error", async () => {
    await cpus[2]?.kill();
    const injected = await faults(["inject", "stall", "cpu=2", "name=late", "for=10min"]);
    expect(injected).toMatchObject({ exitCode: 0, statuses: [{ name: "late" }] });
    expect(injected.statuses[0]?.notes.join()).toMatch(/CPU 2 does not answer .*: there is nothing to do to it/);
    expect(await faults(["clear", "late"])).toMatchObject({ exitCode: 0 });
    cpus[2] = await startCpu(2);
    await online(3);
  });
});

describe("refused, with the reason, and nothing is held", () => {
  test.each([
    ["at L0", "stall cpu=9", "no CPU 9 has registered with L0"],
    ["at L0", "crash cpu=any", "any CPU is drawn by an experiment"],
    ["at L0", "partition cpu=1 on=vmcs.load", "vmcs.load is stated by CPUs"],
    ["at CPU 0", "partition cpu=0", "partition is injected at L0"],
    ["at CPU 0", "stall cpu=1", "this is CPU 0: inject it at L0"],
    ["at CPU 0", "dropReply method=interrupt", "dropReply is injected at L0"],
  ])("%s: %s", async (where, words, reason) => {
    const address = where === "at L0" ? l0.address : cpus[0]?.address;
    const refused = await faults(["inject", ...words.split(" ")], address);
    expect(refused).toMatchObject({ exitCode: 64, statuses: [] });
    expect(refused.stderr).toContain(reason);
    expect((await faults(["list"])).statuses).toEqual([]);
  });

  test("nobody at the address: exit code 69", async () => {
    expect((await faults(["list"], "127.0.0.1:9")).exitCode).toBe(69);
  });
});
