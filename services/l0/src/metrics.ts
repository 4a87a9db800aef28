import type { Hypervisor } from "@vmcslab/nested";
import { type CpuInfo, gauge, labelled, type Metric } from "@vmcslab/runtime";

const CPU_STATES: readonly CpuInfo["state"][] = ["connecting", "online", "offline", "lost"];

export function l0Metrics(hypervisor: Hypervisor, cpus: readonly CpuInfo[]): Metric[] {
  const counters = Object.entries(hypervisor.counters()).map(([name, value]): [string, number] => [name, value]);
  const states = CPU_STATES.map((state): [string, number] => [state, cpus.filter((cpu) => cpu.state === state).length]);
  return [
    labelled("counter", "vmcslab_l0_operations_total", "What L0 did, by its own counters.", "counter", counters),
    labelled("gauge", "vmcslab_l0_cpus", "CPUs that have registered, by state.", "state", states),
    gauge("vmcslab_l0_vcpus", "Vcpus there are.", hypervisor.listVcpus().length),
  ];
}
