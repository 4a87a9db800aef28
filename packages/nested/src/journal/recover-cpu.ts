import { bringUp, registerCpu, runOn } from "../cpu-operations.js";
import type { Steps } from "../effect.js";
import type { HostCpu } from "../host/host-cpu.js";
import type { HostState } from "../host/host-state.js";
import { restoreHome } from "../host/load.js";
import { type LoadedVmcs, NOWHERE } from "../host/loaded-vmcs.js";
import type { BatchInstruction } from "../interconnect/batch.js";
import type { CpuReport, HeldVmcs } from "../interconnect/cpu-report.js";

/**
 * A CPU that the last life of L0 used says what it holds, and what the journal says is reconciled with it. Where both agree on an activation, and nothing changed it after the last operation that was
 * recorded, it goes on as it is. Everything else the CPU flushes, and L0 does not take it: an operation that was not recorded has not happened, so the VMCS is rebuilt from what L0 knows.
 */
export function* recoverCpu(
  host: HostState,
  operation: number,
  number: number,
  incarnation: number,
  report: CpuReport,
): Steps<void> {
  yield { kind: "lock", key: `cpu ${number}` };
  const cpu = host.cpu(number);
  if (!host.recovering.has(number) || cpu.incarnation !== incarnation) {
    yield* registerCpu(host, operation, number, incarnation);
    return;
  }
  const keeps = report.vmxonRegion === cpu.vmxonRegion && cpu.state === "online";
  const kept = keeps ? agreed(host, cpu, report.held) : new Map<HeldVmcs, LoadedVmcs>();
  yield* runOn(cpu, operation, emptying(report, kept, keeps));
  // It may have been lost while we waited; then this was done already.
  if (cpu.incarnation !== incarnation) return;
  const remaining = new Set(kept.values());
  for (const vmcs of [...cpu.loaded]) if (!remaining.has(vmcs)) rebuild(host, cpu, vmcs, operation);
  for (const here of report.held) if (!kept.has(here)) refuseFlushed(host, cpu, here, operation);
  for (const [held, vmcs] of kept) {
    vmcs.launched = held.launched;
    host.emitRecord(vmcs, operation, "kept");
  }
  if (cpu.state === "online") {
    if (!keeps) yield* bringUp(host, operation, cpu);
    host.emit({ kind: "cpu.registered", operation, cpu: number, epoch: incarnation });
  }
  host.accountedFor(number);
}

/** Activations that L0 and the CPU know alike. */
function agreed(host: HostState, cpu: HostCpu, held: readonly HeldVmcs[]): Map<HeldVmcs, LoadedVmcs> {
  const byRegion = new Map([...cpu.loaded].map((vmcs) => [vmcs.region, vmcs]));
  const kept = new Map<HeldVmcs, LoadedVmcs>();
  for (const here of held) {
    const vmcs = byRegion.get(here.region);
    if (vmcs !== undefined && isAsRecorded(host, vmcs, here)) kept.set(here, vmcs);
  }
  return kept;
}

/** The operation that activated it tells it from another VMCS that had the page, and the same epoch, in an operation that was not recorded. */
function isAsRecorded(host: HostState, vmcs: LoadedVmcs, held: HeldVmcs): boolean {
  const recorded = host.vcpus.get(vmcs.vcpu)?.recordedOperation ?? 0;
  return held.epoch === vmcs.epoch && held.activatedBy === vmcs.activatedBy && held.changedBy <= recorded;
}

function emptying(
  { vmxonRegion, held }: CpuReport,
  kept: ReadonlyMap<HeldVmcs, LoadedVmcs>,
  keeps: boolean,
): BatchInstruction[] {
  const dropped = held.filter((here) => !kept.has(here));
  return [
    { kind: "interrupt" },
    ...dropped.map(({ region, epoch }) => ({ kind: "vmclear", region, epoch }) as const),
    ...(keeps || vmxonRegion === undefined ? [] : [{ kind: "vmxoff" } as const]),
  ];
}

/** What the CPU flushed belongs to an operation that has not happened. The VMCS is where L0 says, or nowhere, and its contents are L0's. */
function refuseFlushed(host: HostState, cpu: HostCpu, { region }: HeldVmcs, operation: number): void {
  for (const vcpu of host.vcpus.values()) {
    for (const { id, region: own } of vcpu.vmcss)
      if (own === region) host.emit({ kind: "vmcs.lost", operation, vmcs: id, region, cpu: cpu.number });
  }
}

function rebuild(host: HostState, cpu: HostCpu, vmcs: LoadedVmcs, operation: number): void {
  cpu.loaded.delete(vmcs);
  vmcs.cpu = NOWHERE;
  vmcs.launched = false;
  restoreHome(vmcs);
  host.emit({ kind: "vmcs.lost", operation, vmcs: vmcs.id, region: vmcs.region, cpu: cpu.number });
  host.emitRecord(vmcs, operation, "not as recorded");
}
