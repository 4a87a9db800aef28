import type { L1Outcome, NestedState } from "@vmcslab/nested";
import type { SimHost } from "@vmcslab/sim";
import type { NameRegion } from "./render-steps.js";

export function renderOutcome(name: string, outcome: L1Outcome): string {
  const detail = outcome.error ?? outcome.vector ?? outcome.reason;
  const value = outcome.value === undefined ? "" : ` 0x${outcome.value.toString(16)}`;
  const qualification =
    outcome.qualification === undefined ? "" : ` qualification 0x${outcome.qualification.toString(16)}`;
  return `${name}: ${outcome.status}${detail === undefined ? "" : ` ${detail}`}${qualification}${value}`;
}

export function renderVcpu(state: NestedState): string[] {
  const inUse = `vmcs${state.loadedVmcs}`;
  const level = state.guestMode ? "L2" : "L1";
  const lines = [
    `vcpu${state.vcpu}: on cpu${state.cpu}, ${level} on ${inUse}, vmxon=${state.vmxon ? pointer(state.vmxonPointer) : "off"}, current vmcs12=${pointer(state.currentVmptr)}`,
    `  vmcs01 ${renderLoaded(state.vmcs01)}`,
  ];
  for (const entry of state.pool) lines.push(`  ${pointer(entry.vmptr)} → ${renderLoaded(entry)}`);
  return lines;
}

function renderLoaded({ vmcs, cpu, launched }: { vmcs: number; cpu: number; launched: boolean }): string {
  return `vmcs${vmcs} cpu=${cpu === -1 ? "none" : cpu} ${launched ? "launched" : "clear"}`;
}

/** kvm-unit-tests' notation: `cpu0: root current:vmcs1 active:[vmcs1* vmcs3]`; a star marks a launched VMCS. */
export function renderCpus(host: SimHost, nameRegion: NameRegion): string[] {
  return host.cpus.map(({ cpu, isAlive, processor }) => {
    if (!isAlive) return `cpu${cpu}: dead`;
    if (!processor.inVmxOperation) return `cpu${cpu}: VMX off`;
    const active = processor
      .activeVmcss()
      .map(({ region, launched }) => `${nameRegion(region)}${launched ? "*" : ""}`)
      .sort();
    const current = processor.currentVmcs < 0 ? "none" : nameRegion(processor.currentVmcs);
    return `cpu${cpu}: ${processor.nonRoot ? "guest" : "root"} current:${current} active:[${active.join(" ")}]`;
  });
}

/** L0 itself: its life, the CPUs it uses, and where the VMCSs of its vcpus are in memory. */
export function renderL0({ l0 }: SimHost, life: number): string[] {
  if (l0 === undefined) return ["l0: down"];
  const { state } = l0.hypervisor;
  const online = [...state.cpus.values()].filter((cpu) => cpu.state === "online").map((cpu) => `cpu${cpu.number}`);
  const vmcss = [...state.vcpus.values()].flatMap((vcpu) => [vcpu.vmcs01, ...vcpu.pool.map((entry) => entry.vmcs)]);
  return [
    `l0: life ${life}, online: ${online.length === 0 ? "none" : online.sort().join(" ")}, vcpus: ${state.vcpus.size}`,
    ...vmcss.map(({ id, region, epoch }) => `  vmcs${id} at 0x${region.toString(16)}, epoch ${epoch}`),
  ];
}

function pointer(address: bigint): string {
  return address === 0xffff_ffff_ffff_ffffn ? "none" : `0x${address.toString(16)}`;
}
