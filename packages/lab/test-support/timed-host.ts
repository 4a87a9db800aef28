/** A host that does nothing but take its time, and virtual time at that: what a load on it comes to can be worked out by hand. */
import type { Answer, L1Instruction } from "@vmcslab/nested";
import { Scheduler } from "@vmcslab/sim";
import type { Host } from "../src/host.js";
import { LatencyRecorder } from "../src/measure/latency.js";
import { LoadRecorder } from "../src/measure/load.js";
import { VirtualTime } from "../src/target/simulated/virtual-time.js";
import { Findings } from "../src/workload/findings.js";
import { MeasuredHost } from "../src/workload/measured-host.js";
import type { WorkloadContext } from "../src/workload/workload.js";

const done = async <T>(value: T): Promise<Answer<T>> => ({ ok: true, value });

/** `placeNs`: how long the n-th PlaceVcpu takes; everything else takes nothing. `lateNs`: how late a sleep ends. */
export function timedContext(
  placeNs: (number: number) => number,
  { lateNs = () => 0, cpus = 2 }: { readonly lateNs?: (number: number) => number; readonly cpus?: number } = {},
): WorkloadContext & { readonly latencies: LatencyRecorder; readonly abort: AbortController } {
  const time = new VirtualTime(new Scheduler(), (what) => {
    throw new Error(what);
  });
  const vcpus = new Set<number>();
  let places = 0;
  let sleeps = 0;
  const host: Host = {
    createVcpu: () => {
      const vcpu = vcpus.size;
      vcpus.add(vcpu);
      return done({ vcpu });
    },
    destroyVcpu: (vcpu) => {
      vcpus.delete(vcpu);
      return done(undefined);
    },
    listVcpus: () => done([...vcpus]),
    runL1: (_, instructions: readonly L1Instruction[]) => done(instructions.map(() => ({ status: "succeed" }))),
    guestExit: () => done({ level: 1, reflected: false }),
    placeVcpu: async () => {
      await time.clock.sleep(placeNs(places++) / 1e6);
      return { ok: true, value: undefined };
    },
    nestedState: () => Promise.reject(new Error("nobody recovers here")),
    counters: () => Promise.reject(new Error("nothing is counted here")),
    close: async () => {},
  };
  const latencies = new LatencyRecorder({ unitNs: 1 });
  const abort = new AbortController();
  const nowNs = time.clock.monoNs;
  return {
    host: new MeasuredHost({ host, latencies, findings: new Findings(), nowNs }),
    ...{ cpus, latencies, abort, signal: abort.signal },
    load: new LoadRecorder({ unitNs: 1 }),
    sleep: (delayMs, signal) => time.clock.sleep(delayMs + lateNs(sleeps++) / 1e6, signal),
  };
}
