/**
 * What an operation costs on hosts of different sizes: moves of vcpus between two CPUs of their own, each a cross-CPU clear, a load and an entry, one after the other. Every vcpu has been on both before the
 * time is taken, because what a CPU first allocates for a VMCS is not what a move costs.
 */
import { RandomStream } from "../../packages/faults/dist/index.js";
import { SimHost } from "../../packages/sim/dist/index.js";

const WARM_UP = 2_000;
const OPERATIONS = 10_000;
const LATENCY_NS = 1_000;

function newHost(model, { cpus, vcpus }) {
  const host = new SimHost({
    name: "bench",
    cpus,
    config: { poolSize: 1, memoryPages: cpus + vcpus + 16, l1MemoryBytes: 0x10000, model },
    lease: { durationNs: 0, driftPpm: 0 },
    beatNs: 1e9,
    deadlineMs: 2_000,
    resendAfterMs: 50,
    latency: () => LATENCY_NS,
    inOrder: true,
    faults: [],
    random: new RandomStream("sizes"),
    observe: () => undefined,
  });
  const isWhole = () => host.isWhole;
  if (!host.runUntil(1e9, isWhole)) throw new Error("the host did not become whole");
  return host;
}

/** One operation, to its end. */
function operate(host, begin) {
  let answer;
  host.start(begin, (ended) => {
    answer = ended;
  });
  while (answer === undefined) host.scheduler.step(Number.POSITIVE_INFINITY);
  if (!answer.ok) throw new Error(answer.error.message);
  return answer.value;
}

/** Nanoseconds per operation. */
export function operationNs(model, size) {
  const host = newHost(model, size);
  const ids = Array.from({ length: size.vcpus }, (_, i) =>
    operate(host, (hypervisor) => hypervisor.createVcpu({ cpu: i % size.cpus })),
  );
  const moves = ids.map(() => 0);
  const move = (at) => {
    const cpu = (at + (++moves[at] % 2)) % size.cpus;
    operate(host, (hypervisor) => hypervisor.placeVcpu(ids[at], cpu));
  };
  const random = new RandomStream("operations");
  const run = (count) => {
    for (let i = 0; i < count; i++) move(random.below(ids.length));
  };
  for (let round = 0; round < 2; round++) for (let at = 0; at < ids.length; at++) move(at);
  run(WARM_UP);
  const start = process.hrtime.bigint();
  run(OPERATIONS);
  return Number(process.hrtime.bigint() - start) / OPERATIONS;
}
