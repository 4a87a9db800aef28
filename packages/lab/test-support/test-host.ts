/** A whole host in this process for tests of workloads: L0's and the CPUs' cores as they are, on a simulated host without faults. */
import { RandomStream } from "@vmcslab/faults";
import type { HistoryEvent } from "@vmcslab/history";
import { isCrossCpuCall, NO_LEASE } from "@vmcslab/nested";
import { SimHost } from "@vmcslab/sim";
import { cpuModelNamed, DEFAULT_CPU_MODEL } from "@vmcslab/vmx";
import type { Host } from "../src/host.js";
import { LatencyRecorder } from "../src/measure/latency.js";
import { LoadRecorder } from "../src/measure/load.js";
import { simulatedHost } from "../src/target/simulated/simulated-host.js";
import { VirtualTime } from "../src/target/simulated/virtual-time.js";
import { Findings } from "../src/workload/findings.js";
import { MeasuredHost } from "../src/workload/measured-host.js";
import type { WorkloadContext } from "../src/workload/workload.js";

export interface TestHost {
  readonly host: Host;
  readonly history: readonly HistoryEvent[];
  /** Of each cross-CPU clear, how many fields it wrote back. */
  readonly writtenBack: readonly number[];
}

export function testHost({ cpus, poolSize }: { readonly cpus: number; readonly poolSize: number }): TestHost {
  const model = cpuModelNamed(DEFAULT_CPU_MODEL);
  if (model === undefined) throw new Error("the default CPU model is not there");
  const history: HistoryEvent[] = [];
  const writtenBack: number[] = [];
  const sim = new SimHost({
    name: "test",
    cpus,
    config: { poolSize, memoryPages: 256, l1MemoryBytes: 16 * 1024 * 1024, model },
    lease: NO_LEASE,
    beatNs: 1e9,
    deadlineMs: 2000,
    resendAfterMs: 50,
    latency: () => 0,
    inOrder: true,
    faults: [],
    random: new RandomStream("test"),
    observe: (event) => history.push(event),
    executionNs: (_cpu, _incarnation, batch, { results }) => {
      if (isCrossCpuCall(batch))
        writtenBack.push(...results.flatMap(({ fields }) => (fields === undefined ? [] : [fields.encodings.length])));
      return 0;
    },
  });
  sim.runUntil(0, () => sim.isWhole);
  const time = new VirtualTime(sim.scheduler, (why) => {
    throw new Error(why);
  });
  const host = simulatedHost(sim, time, () => {
    if (sim.hypervisor === undefined) throw new Error("nobody crashes L0 here");
    return sim.hypervisor.counters();
  });
  return { host, history, writtenBack };
}

/** What a workload is run with; time moves by a microsecond whenever it is asked for. */
export function workloadContext(host: Host, cpus: number): WorkloadContext & { readonly latencies: LatencyRecorder } {
  const latencies = new LatencyRecorder();
  let timeNs = 0;
  const nowNs = () => {
    timeNs += 1_000;
    return timeNs;
  };
  const measured = new MeasuredHost({ host, latencies, findings: new Findings(), nowNs });
  const sleep = async (delayMs: number) => {
    timeNs += delayMs * 1e6;
  };
  return { host: measured, load: new LoadRecorder(), cpus, signal: new AbortController().signal, sleep, latencies };
}
