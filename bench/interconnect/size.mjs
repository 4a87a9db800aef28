/** What a move costs on hosts of different sizes, over the in-process transport: the codec and both ends of the interconnect, without a network. */

import { Hypervisor } from "../../packages/nested/dist/index.js";
import {
  Driver,
  InterconnectEndpoint,
  InterconnectSession,
  inProcessTarget,
  inProcessTransport,
  LamportClock,
  systemClock,
} from "../../packages/runtime/dist/index.js";
import { cpuModelNamed, DEFAULT_CPU_MODEL } from "../../packages/vmx/dist/index.js";
import { Board } from "../../services/cpu/dist/board.js";
import { quantile } from "./measure.mjs";

const WARM_UP = 3_000;
const OPERATIONS = 10_000;
const ROUNDS = 7;
const model = cpuModelNamed(DEFAULT_CPU_MODEL);
const emit = () => undefined;

function attachCpu(driver, cpu) {
  const lamport = new LamportClock(() => systemClock.wallUs());
  const life = { incarnation: 1, holdsLease: () => true };
  const target = inProcessTarget(new InterconnectEndpoint(new Board({ cpu, model, life, emit }), lamport));
  return new Promise((resolve, reject) => {
    const session = new InterconnectSession({
      ...{ cpu, incarnation: 1, session: 1, clock: systemClock, lamport },
      transport: inProcessTransport(target),
      onReady: () => {
        driver.attach(session);
        resolve();
      },
      onLost: reject,
    });
  });
}

/** Moves of random vcpus between two CPUs of their own; nanoseconds of each. */
export async function sizedHost({ cpus, vcpus }) {
  const driver = new Driver();
  const config = { poolSize: 1, memoryPages: cpus + vcpus + 16, l1MemoryBytes: 0x10000, model, lostVmcs: "rebuild" };
  const hypervisor = new Hypervisor(config, { emit, begin: (operation) => void driver.run(operation) });
  const run = async (operation) => {
    const answer = await driver.run(operation);
    if (!answer.ok) throw new Error(answer.error.message);
    return answer.value;
  };
  for (let cpu = 0; cpu < cpus; cpu++) {
    await attachCpu(driver, cpu);
    await run(hypervisor.registerCpu(cpu, 1));
  }
  const ids = [];
  for (let i = 0; i < vcpus; i++) ids.push(await run(hypervisor.createVcpu({ cpu: i % cpus })));
  const moves = ids.map(() => 0);
  const move = (at) => run(hypervisor.placeVcpu(ids[at], (at + (++moves[at] % 2)) % cpus));
  // Every vcpu has been on both: what a CPU first allocates for a VMCS is not what a move costs.
  for (let round = 0; round < 2; round++) for (let at = 0; at < ids.length; at++) await move(at);
  let random = 1;
  const draw = () => {
    random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0;
    return (random >>> 8) % ids.length;
  };
  return {
    async moveNs(count = OPERATIONS) {
      const start = process.hrtime.bigint();
      for (let i = 0; i < count; i++) await move(draw());
      return Number(process.hrtime.bigint() - start) / count;
    },
  };
}

/** Both hosts in turn, so that what else the machine does meets both. */
export async function sizes() {
  const small = await sizedHost({ cpus: 2, vcpus: 2 });
  const large = await sizedHost({ cpus: 64, vcpus: 10_000 });
  await small.moveNs(WARM_UP);
  await large.moveNs(WARM_UP);
  const rounds = [];
  for (let round = 0; round < ROUNDS; round++) rounds.push([await large.moveNs(), await small.moveNs()]);
  return {
    large: quantile(
      rounds.map(([ns]) => ns),
      0.5,
    ),
    small: quantile(
      rounds.map(([, ns]) => ns),
      0.5,
    ),
  };
}
