import type { HostState } from "./host/host-state.js";
import type { Batch, Completion } from "./interconnect/batch.js";

/** States every flushed image of a completion that comes from a life of a CPU that was given up. */
export function refuseWriteback(
  host: HostState,
  { cpu, operation, instructions }: Batch,
  { results }: Completion,
): void {
  results.forEach((result, i) => {
    const step = instructions[i];
    if (step?.kind !== "vmclear" || step.epoch === 0 || result.status !== "succeed") return;
    const vmcs = vmcsAt(host, step.region);
    host.emit({
      kind: "writeback.refused",
      operation,
      cpu,
      region: step.region,
      epoch: step.epoch,
      ...(vmcs === undefined ? {} : { vmcs }),
    });
  });
}

/** The VMCS that has this page now; the one that the write-back was for may be freed. */
function vmcsAt(host: HostState, region: number): number | undefined {
  for (const vcpu of host.vcpus.values()) {
    for (const vmcs of [vcpu.vmcs01, ...vcpu.pool.map((entry) => entry.vmcs)])
      if (vmcs.region === region) return vmcs.id;
  }
  return undefined;
}
