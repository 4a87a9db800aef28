import { type ChildProcess, fork } from "node:child_process";
import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CheckReport, type HistoryEvent, mergeAsyncStreams, Sanitizer } from "@vmcslab/history";
import { type CpuInfo, historyFiles, L0Client, readHistory, systemClock, TraceClient } from "@vmcslab/runtime";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type LostCpuPolicy, startL0 } from "../../services/l0/src/index.js";
import { startTrace } from "../../services/trace/src/index.js";

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const LEASE_MS = 1000;

// A process of its own runs the built service, as all tests that start processes do.
const CPU_SERVICE = new URL("../../services/cpu/dist/index.js", import.meta.url).href;
const PROGRAM = `
  import { startCpu } from ${JSON.stringify(CPU_SERVICE)};
  const [cpu, l0Address, traceAddress] = process.argv.slice(2);
  await startCpu({ cpu: Number(cpu), l0Address, bus: { traceAddress } });
  process.once("disconnect", () => process.exit(0));
`;

interface Host {
  readonly client: L0Client;
  readonly cpus: readonly ChildProcess[];
  /** Everything that was published, and what the sanitizer says of it. */
  history(): Promise<{ readonly events: readonly HistoryEvent[]; readonly report: CheckReport }>;
}

const stops: (() => unknown)[] = [];
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "vmcslab-fence-"));
  stops.push(() => rm(directory, { recursive: true }));
});

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

async function startHost(lostCpu: LostCpuPolicy, cpuCount = 2): Promise<Host> {
  const program = join(directory, "cpu.mjs");
  writeFileSync(program, PROGRAM);
  const trace = await startTrace({ directory: join(directory, "history"), logger: silent });
  stops.push(() => trace.stop());
  const lease = lostCpu === "wait" ? {} : { leaseMs: LEASE_MS };
  const l0 = await startL0({ bus: { traceAddress: trace.address }, logger: silent, lostCpu, ...lease });
  stops.push(() => l0.stop());
  const client = new L0Client(l0.address);
  stops.push(() => client.close());
  const cpus = Array.from({ length: cpuCount }, (_, cpu) => {
    const child = fork(program, [String(cpu), l0.address, trace.address], {
      env: { ...process.env, VMCSLAB_LOG_LEVEL: "silent" },
      execArgv: [],
    });
    stops.push(() => child.kill("SIGKILL"));
    return child;
  });
  const host = { client, cpus, history: () => historyOf(client, trace.address) };
  for (let cpu = 0; cpu < cpuCount; cpu++) await cpuBecomes(host, cpu, "online");
  return host;
}

async function historyOf(client: L0Client, traceAddress: string): ReturnType<Host["history"]> {
  const flushed = await client.flushHost();
  if (!flushed.ok || flushed.value.silent.length > 0) throw new Error(`not flushed: ${JSON.stringify(flushed)}`);
  const trace = new TraceClient(traceAddress);
  stops.push(() => trace.close());
  expect(await trace.flush()).toMatchObject({ ok: true });
  const streams = (await historyFiles(join(directory, "history"))).map(readHistory);
  const sanitizer = new Sanitizer({ sharedClock: true });
  const events: HistoryEvent[] = [];
  for await (const event of mergeAsyncStreams(streams)) {
    events.push(event);
    sanitizer.observe(event);
  }
  for (const position of flushed.value.positions) sanitizer.published(position, position.published);
  return { events, report: sanitizer.finish({ complete: true }) };
}

async function cpuBecomes({ client }: Pick<Host, "client">, cpu: number, state: CpuInfo["state"]): Promise<CpuInfo> {
  const endNs = systemClock.monoNs() + 20e9;
  for (;;) {
    const answer = await client.listCpus();
    const found = answer.ok ? answer.value.find((known) => known.cpu === cpu && known.state === state) : undefined;
    if (found !== undefined) return found;
    if (systemClock.monoNs() > endNs) throw new Error(`CPU ${cpu} not ${state} within 20 s: ${JSON.stringify(answer)}`);
    await systemClock.sleep(20);
  }
}

async function vcpuOn({ client }: Host, cpu: number): Promise<number> {
  const created = await client.createVcpu({ cpu });
  if (!created.ok) throw new Error(created.error.message);
  return created.value;
}

const kinds = (events: readonly HistoryEvent[], cpu: number) =>
  events.filter((event) => event.cpu === cpu).map(({ kind }) => kind);

describe("a CPU process that stands still for longer than its lease", () => {
  test("is fenced, and its vcpu goes on elsewhere; when it goes on it begins a new life, empty, and is used again", async () => {
    const host = await startHost("fence");
    const { client, cpus } = host;
    const vcpu = await vcpuOn(host, 1);
    const { incarnation } = await cpuBecomes(host, 1, "online");
    cpus[1]?.kill("SIGSTOP");
    await cpuBecomes(host, 1, "lost");
    expect(await client.nestedState(vcpu)).toMatchObject({ ok: true, value: { vmcs01: { cpu: -1, launched: false } } });
    expect(await client.placeVcpu(vcpu, 0)).toMatchObject({ ok: true });
    expect(await client.nestedState(vcpu)).toMatchObject({ ok: true, value: { vmcs01: { cpu: 0, launched: true } } });
    // #UD: this L1 is not in VMX operation.
    const executed = { ok: true, value: [{ status: "exception", vector: 6 }] };
    expect(await client.runL1(vcpu, [{ op: "vmptrst" }])).toMatchObject(executed);

    cpus[1]?.kill("SIGCONT");
    const again = await cpuBecomes(host, 1, "online");
    expect(again.incarnation).toBeGreaterThan(incarnation);
    expect(await client.placeVcpu(vcpu, 1)).toMatchObject({ ok: true });
    expect(await client.runL1(vcpu, [{ op: "vmptrst" }])).toMatchObject(executed);
    expect(await client.destroyVcpu(vcpu)).toMatchObject({ ok: true });

    const { events, report } = await host.history();
    expect(kinds(events, 1)).toEqual(expect.arrayContaining(["cpu.fenced", "lease.expired"]));
    const expired = events.find(({ kind }) => kind === "lease.expired");
    expect(expired).toMatchObject({ source: "cpu1", incarnation, epoch: incarnation, count: 1 });
    expect(events.find(({ kind }) => kind === "cpu.fenced")).toMatchObject({ cpu: 1, epoch: incarnation });
    const later = events.filter((event) => event.source === "cpu1" && event.incarnation === again.incarnation);
    expect(later[0]).toMatchObject({ seq: 1, kind: "vmx.on" });
    expect(report).toMatchObject({ verdict: "valid", violations: [], lost: 0 });
  });

  test("keeps its number until it is fenced, whatever address somebody else names who asks for it", async () => {
    const { client, cpus } = await startHost("fence");
    const known = await client.listCpus();
    const own = known.ok ? (known.value.find(({ cpu }) => cpu === 1)?.address ?? "") : "";
    const ask = (address: string) => {
      const incarnation = systemClock.wallUs();
      return client.registerCpu({ cpu: 1, incarnation, address, model: "corei7_sandy_bridge_2600k" }, 1000);
    };
    cpus[1]?.kill("SIGSTOP");
    for (const address of [own, "127.0.0.1:1"])
      expect(await ask(address)).toMatchObject({ ok: false, error: { code: "failedPrecondition" } });
    await expect.poll(async () => (await ask("127.0.0.1:1")).ok, { timeout: 10 * LEASE_MS }).toBe(true);
    expect(await client.listCpus()).toMatchObject({ value: [{}, { cpu: 1, address: "127.0.0.1:1" }] });
  });

  test("costs its vcpus their lives with the policy kill, and no others", async () => {
    const host = await startHost("kill");
    const { client, cpus } = host;
    const doomed = await vcpuOn(host, 1);
    const other = await vcpuOn(host, 0);
    cpus[1]?.kill("SIGSTOP");
    const running = client.runL1(doomed, [{ op: "vmptrst" }]);
    await cpuBecomes(host, 1, "lost");
    expect((await running).ok).toBe(false);
    expect((await client.runL1(doomed, [{ op: "vmptrst" }])).ok).toBe(false);
    expect(await client.runL1(other, [{ op: "vmptrst" }])).toMatchObject({ ok: true });
    cpus[1]?.kill("SIGCONT");
    await cpuBecomes(host, 1, "online");
    expect(await client.listVcpus()).toMatchObject({ ok: true, value: [{ vcpu: other }] });
    const { events, report } = await host.history();
    expect(events.filter(({ kind }) => kind === "vcpu.killed")).toMatchObject([{ vcpu: doomed, cpu: 1 }]);
    expect(report).toMatchObject({ verdict: "valid", violations: [] });
  });

  test("is waited for with the policy wait, and is in the same life when it goes on", async () => {
    const host = await startHost("wait");
    const vcpu = await vcpuOn(host, 1);
    const { incarnation } = await cpuBecomes(host, 1, "online");
    host.cpus[1]?.kill("SIGSTOP");
    await systemClock.sleep(3 * LEASE_MS);
    expect(await cpuBecomes(host, 1, "online")).toMatchObject({ incarnation });
    host.cpus[1]?.kill("SIGCONT");
    expect(await host.client.placeVcpu(vcpu, 0)).toMatchObject({ ok: true });
    const { events } = await host.history();
    expect(kinds(events, 1)).not.toContain("lease.expired");
    expect(kinds(events, 1)).not.toContain("cpu.lost");
  });
});

test("a CPU keeps its life over many leases while it and L0 are well", async () => {
  const host = await startHost("fence", 1);
  const vcpu = await vcpuOn(host, 0);
  const { incarnation } = await cpuBecomes(host, 0, "online");
  await systemClock.sleep(4 * LEASE_MS);
  expect(await host.client.runL1(vcpu, [{ op: "vmptrst" }])).toMatchObject({ ok: true });
  expect(await cpuBecomes(host, 0, "online")).toMatchObject({ incarnation });
});

test("crash clear-all over the wire: every VMCS is in memory, and nothing runs any more", async () => {
  const host = await startHost("fence");
  await vcpuOn(host, 0);
  const vcpu = await vcpuOn(host, 1);
  expect(await host.client.crashClearAll()).toEqual({ ok: true, value: 2 });
  expect(await host.client.runL1(vcpu, [{ op: "vmptrst" }])).toMatchObject({
    ok: false,
    error: { code: "hostCrashed", definite: true },
  });
  expect(await host.client.crashClearAll()).toMatchObject({ ok: false, error: { code: "hostCrashed" } });
  const { events, report } = await host.history();
  expect(events.find(({ kind }) => kind === "host.crashed")).toMatchObject({ count: 2, reason: 0 });
  expect(report).toMatchObject({ verdict: "valid", violations: [] });
});
