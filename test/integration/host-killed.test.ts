import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RandomStream } from "@vmcslab/faults";
import type { L1Instruction } from "@vmcslab/nested";
import { L0Client, systemClock, TraceClient } from "@vmcslab/runtime";
import { afterEach, beforeEach, expect, test } from "vitest";
import { checkRun } from "../../packages/lab/src/check/index.js";
import { writeRecording } from "../../packages/lab/src/check/recording.js";
import { settleEvents } from "../../packages/lab/src/target/embedded/event-counts.js";
import { type RunningTrace, startTrace } from "../../services/trace/src/index.js";
import { type ServiceProcess, startService } from "./service-process.js";

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const CPUS = 2;
const KILLS = 6;
const WRITE: readonly L1Instruction[] = [{ op: "write32", addr: 0x1000n, value: 7 }];

const stops: (() => unknown)[] = [];
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "vmcslab-killed-"));
});

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
  await rm(directory, { recursive: true });
});

interface Host {
  readonly trace: RunningTrace;
  readonly services: Map<string, ServiceProcess>;
  readonly client: L0Client;
}

async function start(host: Omit<Host, "client">, name: string, listen = "127.0.0.1:0"): Promise<ServiceProcess> {
  const events = ["--trace", host.trace.address, "--spool", join(directory, "spool"), "--host-name", "h"];
  const own =
    name === "l0"
      ? ["l0", "--journal", `file:${join(directory, "journal")}`]
      : ["cpu", "--id", name.slice(3), "--l0", host.services.get("l0")?.address ?? ""];
  const service = await startService([...own, ...events, "--listen", listen]);
  stops.push(() => service.kill());
  host.services.set(name, service);
  return service;
}

async function startHost(): Promise<Host> {
  const trace = await startTrace({ directory: join(directory, "history"), logger: silent });
  stops.push(() => trace.stop());
  const services = new Map<string, ServiceProcess>();
  const { address } = await start({ trace, services }, "l0");
  for (let cpu = 0; cpu < CPUS; cpu++) await start({ trace, services }, `cpu${cpu}`);
  const client = new L0Client(address);
  stops.push(() => client.close());
  await online(client);
  return { trace, services, client };
}

async function online(client: L0Client): Promise<void> {
  const isOnline = async () => {
    const answer = await client.listCpus();
    return answer.ok && answer.value.filter(({ state }) => state === "online").length === CPUS;
  };
  await expect.poll(isOnline, { timeout: 15_000 }).toBe(true);
}

/** Moves a vcpu to and fro, and has its L1 do something, whatever becomes of it. The number of operations that L0 carried out. */
async function work({ client }: Host, isOver: () => boolean): Promise<number> {
  let done = 0;
  let vcpu: number | undefined;
  for (let turn = 0; !isOver(); turn++) {
    if (vcpu === undefined) {
      const created = await client.createVcpu({ cpu: turn % CPUS });
      if (created.ok) vcpu = created.value;
      else await systemClock.sleep(20);
      continue;
    }
    const answers = [await client.placeVcpu(vcpu, turn % CPUS), await client.runL1(vcpu, WRITE)];
    for (const answer of answers) {
      if (answer.ok) done++;
      else if (answer.error.code === "notFound") vcpu = undefined;
    }
  }
  return done;
}

test("a host whose services are killed at random and started again: no event is missing, and the history says so", async () => {
  const host = await startHost();
  const random = new RandomStream("events survive");
  let isOver = false;
  const working = work(host, () => isOver);
  const killed: string[] = [];
  for (let kill = 0; kill < KILLS; kill++) {
    await systemClock.sleep(150 + random.below(200));
    const name = ["l0", "cpu0", "cpu1"][kill % 3] ?? "";
    const service = host.services.get(name);
    await service?.kill();
    killed.push(name);
    // L0 and its CPUs find each other where they were.
    await start(host, name, name === "l0" ? service?.address : undefined);
    await online(host.client);
  }
  isOver = true;
  expect(await working).toBeGreaterThan(KILLS);
  const sources = [...host.services].map(([name, { address }]) => ({ name, address }));
  const trace = new TraceClient(host.trace.address);
  stops.push(() => trace.close());
  const settlement = await settleEvents(sources, trace, []);
  expect(settlement).toMatchObject({ silent: [], unended: [], events: { lost: 0 } });
  const counts = await trace.counts();
  const ended = counts.ok ? counts.value.sources.filter(({ ended }) => ended).map(({ source }) => source) : [];
  expect(ended.sort()).toEqual(killed.sort());
  await writeRecording(join(directory, "history"), settlement);
  const check = await checkRun(join(directory, "history"), { around: 3, listedMax: 3 });
  expect(check.doubts).toEqual([]);
  expect(check.violations).toEqual([]);
  expect(check.verdict).toBe("valid");
}, 90_000);
