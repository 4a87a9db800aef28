import type { EventKind, HistoryEvent } from "@vmcslab/history";

/** The events that a scenario shows: what the protocol does when something goes wrong. Lives are numbered over all CPUs of a host. */
const SHOWN: Partial<Record<EventKind, (event: HistoryEvent) => string>> = {
  "lease.expired": ({ cpu, epoch, count }) => `cpu${cpu} (life ${epoch}), active VMCSs: ${count}`,
  "cpu.fenced": ({ cpu, epoch }) => `cpu${cpu} (life ${epoch})`,
  "cpu.lost": ({ cpu, count }) => `cpu${cpu}, VMCSs there: ${count}`,
  "vmcs.lost": ({ cpu, vmcs }) => `vmcs${vmcs} on cpu${cpu}`,
  "writeback.refused": ({ cpu, vmcs, epoch }) =>
    `${vmcs === undefined ? "a VMCS that is freed" : `vmcs${vmcs}`}, epoch ${epoch}, from cpu${cpu}`,
  "vcpu.killed": ({ cpu, vcpu }) => `vcpu${vcpu}, because of cpu${cpu}`,
  "host.crashed": ({ count, reason }) => `VMCSs in memory: ${count}, silent CPUs: ${reason}`,
  "fault.healed": ({ instruction, cpu }) => `${instruction}${cpu === undefined ? "" : ` of cpu${cpu}`}`,
};

/** Undefined for an event that says what the batches say already. */
export function renderEvent(event: HistoryEvent): string | undefined {
  const render = SHOWN[event.kind];
  return render === undefined ? undefined : `${event.kind}: ${render(event)}`;
}
