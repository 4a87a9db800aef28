/** A whole host in this process for tests of workloads: L0's and the CPUs' cores as they are, without services. */
import type { HistoryEvent } from "@vmcslab/history";
import { Board, InMemoryHistory } from "@vmcslab/sim";
import { cpuModelNamed, DEFAULT_CPU_MODEL } from "@vmcslab/vmx";
import type { Host } from "../src/host.js";
import { LatencyRecorder } from "../src/measure/latency.js";
import { Findings } from "../src/workload/findings.js";
import { MeasuredHost } from "../src/workload/measured-host.js";
import type { WorkloadContext } from "../src/workload/workload.js";

export interface BoardHost {
  readonly host: Host;
  readonly history: readonly HistoryEvent[];
}

export function boardHost({ cpus, poolSize }: { readonly cpus: number; readonly poolSize: number }): BoardHost {
  const model = cpuModelNamed(DEFAULT_CPU_MODEL);
  if (model === undefined) throw new Error("the default CPU model is not there");
  const history = new InMemoryHistory("board");
  const board = new Board({
    cpus,
    poolSize,
    memoryPages: 256,
    l1MemoryBytes: 16 * 1024 * 1024,
    model,
    emit: history.record,
  });
  const { hypervisor } = board;
  const host: Host = {
    createVcpu: async (request) => {
      const answer = board.run(hypervisor.createVcpu(request));
      return answer.ok ? { ok: true, value: { vcpu: answer.value } } : answer;
    },
    destroyVcpu: async (vcpu) => board.run(hypervisor.destroyVcpu(vcpu)),
    listVcpus: async () => ({ ok: true, value: hypervisor.listVcpus().map(({ vcpu }) => vcpu) }),
    runL1: async (vcpu, instructions) => board.run(hypervisor.runL1(vcpu, instructions)),
    guestExit: async (request) => board.run(hypervisor.guestExit(request)),
    placeVcpu: async (vcpu, cpu) => board.run(hypervisor.placeVcpu(vcpu, cpu)),
    nestedState: async (vcpu) => {
      const value = hypervisor.nestedState(vcpu);
      const error = { code: "notFound", definite: true, message: `there is no vcpu ${vcpu}` } as const;
      return value === undefined ? { ok: false, error } : { ok: true, value };
    },
    counters: async () => ({ ok: true, value: hypervisor.counters() }),
    close: async () => {},
  };
  return { host, history: history.events };
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
  return { host: measured, cpus, signal: new AbortController().signal, sleep, latencies };
}
