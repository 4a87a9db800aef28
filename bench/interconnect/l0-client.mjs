/** L0 in a process of its own: the same registry, driver, hypervisor core and interconnect as the service, and what is measured of them. */

import { FaultSet } from "../../packages/faults/dist/index.js";
import { Hypervisor, NO_LEASE } from "../../packages/nested/dist/index.js";
import {
  Credentials,
  Driver,
  faultyTransport,
  newIncarnation,
  Publisher,
  serve,
  sharedClock,
  systemClock,
  UnaryHandlers,
} from "../../packages/runtime/dist/index.js";
import { cpuModelNamed, DEFAULT_CPU_MODEL } from "../../packages/vmx/dist/index.js";
import { CpuRegistry } from "../../services/l0/dist/cpu-registry.js";
import { l0Service } from "../../services/l0/dist/handlers.js";
import { answerParent, atOnce, oneByOne, quantile, withCpuTime } from "./measure.mjs";

const clock = systemClock;
const silent = { debug() {}, info() {}, warn() {}, error: console.error };
const session = newIncarnation(clock);
const model = cpuModelNamed(DEFAULT_CPU_MODEL);
let host;

/** Starts L0; `trace`: where its events go. */
async function start({ trace, memoryPages = 65_536 }) {
  const bus = trace === undefined ? {} : { traceAddress: trace };
  const publisher = new Publisher(bus, "bench", "l0", session, clock, silent);
  const driver = new Driver();
  const clears = { sentNs: new Map(), times: [], timings: [] };
  const emit = (fact) => {
    publisher.recorder.record(fact);
    if (fact.kind === "ipi.sent") clears.sentNs.set(fact.vmcs, process.hrtime.bigint());
    else if (fact.kind === "ipi.acked") {
      const ackedNs = process.hrtime.bigint();
      const sentNs = clears.sentNs.get(fact.vmcs);
      clears.times.push(Number(ackedNs - sentNs));
      if (fact.timing !== undefined)
        clears.timings.push({ ...fact.timing, sentNs: Number(sentNs), ackedNs: Number(ackedNs) });
    }
  };
  const config = { poolSize: 64, memoryPages, l1MemoryBytes: 1 << 24, model, lostVmcs: "rebuild" };
  const hypervisor = new Hypervisor(config, { emit, begin: (operation) => void driver.run(operation) });
  // As the service has it: links that faults may strike, and none does.
  const struck = { faults: new FaultSet(), isPartitioned: () => false, clock };
  const registry = new CpuRegistry({
    strike: (transport, cpu, failBatch) => faultyTransport(transport, { ...struck, cpu, failBatch }),
    hypervisor,
    driver,
    session,
    terms: NO_LEASE,
    clock,
    timedBy: sharedClock(clock),
    lamport: publisher.lamport,
    logger: silent,
  });
  const handlers = new UnaryHandlers(silent);
  const promises = { lostCpu: "wait", leaseMs: 0, journal: "none" };
  const parts = { hypervisor, driver, cpus: registry, publisher, struck, credentials: Credentials.none };
  const services = [l0Service({ host: "bench", session, ...parts, ...promises }, handlers)];
  const server = await serve({ listen: "127.0.0.1:0", services, clock, drained: () => handlers.drained() });
  host = { driver, hypervisor, registry, publisher, clears };
  return server.address;
}

async function run(operation) {
  const answer = await host.driver.run(operation);
  if (!answer.ok) throw new Error(answer.error.message);
  return answer.value;
}

/** Waits that an operation made for CPUs; batches that go out at once are one round trip. */
async function roundTrips(operation) {
  let count = 0;
  const counted = {
    next(input) {
      const step = operation.next(input);
      if (step.done !== true && step.value.kind === "batches") count++;
      return step;
    },
  };
  await run(counted);
  return count;
}

let mover;
let at = 0;
async function move() {
  mover ??= await run(host.hypervisor.createVcpu({ cpu: 0 }));
  at = 1 - at;
  await run(host.hypervisor.placeVcpu(mover, at));
}

const FIRST_REGION = 0x4000_0000;
/** Regions of each CPU. A host uses its regions again, and so do we: or the CPUs would grow with every round, and what was measured were their garbage collectors. */
const regions = new Map();
let allocated = 0;
let epoch = 1_000_000;
const must = (result) => {
  if (!result.ok) throw new Error(result.error.message);
  const bad = result.completion.results.find(({ status }) => status !== "succeed" && status !== "skipped");
  if (bad !== undefined) throw new Error(JSON.stringify(bad));
};
const send = (cpu, instructions) =>
  new Promise((resolve) => {
    host.driver.client(cpu).send({ cpu, operation: 0, instructions }, (result) => {
      must(result);
      resolve();
    });
  });

/** Instructions of our own meet no guest. */
async function retire() {
  if (mover !== undefined) await run(host.hypervisor.destroyVcpu(mover));
  mover = undefined;
}

/** VMCSs that are active on a CPU and have a few fields to flush, made for the occasion. What was made before for this CPU is cleared by now. */
async function activate(cpu, count) {
  await retire();
  const known = regions.get(cpu) ?? [];
  regions.set(cpu, known);
  const vmcss = [];
  for (let i = 0; i < count; i++) {
    const isNew = i === known.length;
    if (isNew) known.push(FIRST_REGION + 0x1000 * allocated++);
    const vmcs = { region: known[i], epoch: epoch++ };
    vmcss.push(vmcs);
    const image = { encodings: [0x681e], low: [0x1000], high: [0] };
    const fields = { encodings: [0x681e, 0x681c, 0x6820], low: [i + 1, 2, 2], high: [0, 0, 0] };
    await send(cpu, [
      ...(isNew ? [{ kind: "vmclear", ...vmcs, epoch: 0 }] : []),
      { kind: "vmptrld", ...vmcs, image },
      { kind: "vmwrite", fields },
    ]);
  }
  return vmcss;
}

const crossCpuClear = (vmcss) => [
  { kind: "interrupt" },
  ...vmcss.map((vmcs) => ({ kind: "vmclear", ...vmcs })),
  { kind: "resumeInterrupted" },
];

/** The p50 of each phase of the clears, in nanoseconds. */
function phasesOf(timings) {
  const p50 = (phase) => quantile(timings.map(phase), 0.5);
  return {
    queued: p50(({ sentNs, handedNs }) => handedNs - sentNs),
    wire: p50(({ handedNs, receivedNs }) => receivedNs - handedNs),
    waiting: p50(({ waitedNs }) => waitedNs),
    executing: p50(({ executedNs }) => executedNs),
    back: p50(({ receivedNs, waitedNs, executedNs, arrivedNs }) => arrivedNs - receivedNs - waitedNs - executedNs),
    completing: p50(({ arrivedNs, ackedNs }) => ackedNs - arrivedNs),
  };
}

answerParent({
  start,
  cpus: () => host.registry.list().filter(({ state }) => state === "online").length,
  /** Latencies of cross-CPU clears, from L0's decision until the flushed image is stored and the record says so: moves of one vcpu, one after the other. */
  async clears({ count }) {
    host.clears.times.length = 0;
    host.clears.timings.length = 0;
    for (let i = 0; i < count; i++) await move();
    const { times } = host.clears;
    return {
      p50: quantile(times, 0.5),
      p99: quantile(times, 0.99),
      count: times.length,
      phasesNs: phasesOf(host.clears.timings),
    };
  },
  async throughput({ count, inFlight }) {
    const vmcss = await activate(0, count);
    const client = host.driver.client(0);
    const begin = (done) => {
      const instructions = crossCpuClear([vmcss.pop()]);
      client.send({ cpu: 0, operation: 0, instructions }, (result) => {
        must(result);
        done();
      });
    };
    return await withCpuTime(count, () => atOnce(count, inFlight, begin));
  },
  async cpuOneByOne({ count }) {
    const vmcss = await activate(0, count);
    const begin = (done) => void send(0, crossCpuClear([vmcss.pop()])).then(done);
    const { value, cpuNs } = await withCpuTime(count, () => oneByOne(count, begin));
    return { cpuNs, p50: quantile(value, 0.5) };
  },
  /** So many VMCSs on so many CPUs: one after the other, as the patch of 2011 does, and with one batch per CPU, all at once. */
  async spread({ count, cpus }) {
    const prepare = async () => {
      const each = [];
      for (let cpu = 0; cpu < cpus; cpu++) each.push(await activate(cpu, count / cpus));
      return each;
    };
    const first = await prepare();
    const start = process.hrtime.bigint();
    for (let i = 0; i < count; i++) await send(i % cpus, crossCpuClear([first[i % cpus].pop()]));
    const sequential = Number(process.hrtime.bigint() - start);
    const second = await prepare();
    const again = process.hrtime.bigint();
    await Promise.all(second.map((vmcss, cpu) => send(cpu, crossCpuClear(vmcss))));
    return { sequential, together: Number(process.hrtime.bigint() - again) };
  },
  async entries() {
    const { enterL2, exitL2, resumeL2 } = await import("./nested-entry.mjs");
    const { hypervisor } = host;
    const vcpu = await run(hypervisor.createVcpu({ cpu: 0 }));
    await run(enterL2(hypervisor, vcpu));
    await run(exitL2(hypervisor, vcpu));
    const here = await roundTrips(resumeL2(hypervisor, vcpu));
    await run(exitL2(hypervisor, vcpu));
    await run(hypervisor.placeVcpu(vcpu, 1));
    const withClear = await roundTrips(resumeL2(hypervisor, vcpu));
    await run(hypervisor.destroyVcpu(vcpu));
    return { here, withClear };
  },
});
