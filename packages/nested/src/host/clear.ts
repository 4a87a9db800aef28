import { invariant } from "@vmcslab/vmx";
import { type BatchResult, fail, OperationFailed, type OutgoingBatch, type Steps } from "../effect.js";
import { applyFields } from "../field-values.js";
import type { BatchInstruction, InstructionResult } from "../interconnect/batch.js";
import { clearTiming } from "../interconnect/timing.js";
import type { Design } from "./design.js";
import type { HostState } from "./host-state.js";
import { type LoadedVmcs, NOWHERE } from "./loaded-vmcs.js";
import { describeStop, findStop, leaveOtherGuest, type Task } from "./task.js";

/** A VMCLEAR that is decided: which activation of which VMCS, and where. The CPU is read once (H7). */
export interface DecidedClear {
  readonly vmcs: LoadedVmcs;
  readonly cpu: number;
  readonly epoch: number;
  /** An earlier clear of it is in doubt already, and stays so if this one is not executed. */
  readonly wasInDoubt: boolean;
}

/** The VMCS is in doubt until it is known how this ends. */
export function decideClear(vmcs: LoadedVmcs): DecidedClear {
  const { cpu, epoch, clearInDoubt: wasInDoubt } = vmcs;
  vmcs.clearInDoubt = true;
  return { vmcs, cpu, epoch, wasInDoubt };
}

/** This clear certainly was not executed. */
export function withdrawClear({ vmcs, cpu, epoch, wasInDoubt }: DecidedClear): void {
  if (vmcs.cpu === cpu && vmcs.epoch === epoch) vmcs.clearInDoubt = wasInDoubt;
}

/**
 * Clears every VMCS of the list on the CPU where it was last loaded, and waits. On the task's own CPU that is a VMCLEAR in its script; on others a
 * cross-CPU clear. The design says which of them go together; the first ones take the script along. A part that fails ends it: what has not been sent is not decided. VMCSs that are active nowhere cost nothing.
 * (KVM: loaded_vmcs_clear, one smp_call_function_single per VMCS.)
 */
export function* clearAll(task: Task, vmcss: readonly LoadedVmcs[], cause: string): Steps<void> {
  for (const vmcs of vmcss) if (vmcs.cpu === task.cpu.number) clearLocally(task, decide(task, vmcs), cause);
  const remote = vmcss.filter((vmcs) => vmcs.isActive && vmcs.cpu !== task.cpu.number);
  for (const together of partsOf(remote, task.host.design.clearing)) yield* clearTogether(task, together, cause);
}

function partsOf(vmcss: readonly LoadedVmcs[], clearing: Design["clearing"]): readonly (readonly LoadedVmcs[])[] {
  if (vmcss.length === 0) return [];
  switch (clearing) {
    case "oneByOne":
      return vmcss.map((vmcs) => [vmcs]);
    case "perCpu":
      return [...new Set(vmcss.map(({ cpu }) => cpu))].map((cpu) => vmcss.filter((vmcs) => vmcs.cpu === cpu));
    case "atOnce":
      return [vmcss];
  }
}

function decide({ host }: Task, vmcs: LoadedVmcs): DecidedClear {
  forgetCurrent(host, vmcs, vmcs.cpu);
  return decideClear(vmcs);
}

/** One batch per CPU, to all of them at once. */
function* clearTogether(task: Task, vmcss: readonly LoadedVmcs[], cause: string): Steps<void> {
  const remote = new Map<number, DecidedClear[]>();
  for (const vmcs of vmcss) {
    // While others were waited for, a CPU that was lost took it along.
    if (vmcs.cpu === NOWHERE) continue;
    remote.set(vmcs.cpu, [...(remote.get(vmcs.cpu) ?? []), decide(task, vmcs)]);
  }
  if (remote.size === 0) return;
  const targets = [...remote];
  const flushed = yield* task.flushWith(targets.map(([cpu, clears]) => crossCpuBatch(task, cpu, clears)));
  const errors = targets.map(([cpu, clears], i) => applyBatch(task, cpu, clears, flushed.others[i], cause));
  const failures = [task.failureOf(flushed), ...errors].filter((failure) => failure !== undefined);
  // If any of them is in doubt, so is the operation.
  const failure = failures.find(({ error }) => !error.definite) ?? failures[0];
  if (failure !== undefined) throw failure;
}

/**
 * The cross-CPU clear, as its target executes it in interrupt context: leave the guest if one runs, VMCLEAR, go back to the guest unless it was its VMCS.
 */
export function crossCpuClears(clears: readonly { vmcs: LoadedVmcs; epoch: number }[]): BatchInstruction[] {
  return [
    { kind: "interrupt" },
    ...clears.map(({ vmcs, epoch }) => ({ kind: "vmclear", region: vmcs.region, epoch }) as const),
    { kind: "resumeInterrupted" },
  ];
}

function crossCpuBatch(task: Task, cpu: number, clears: readonly DecidedClear[]): OutgoingBatch {
  for (const { vmcs, epoch } of clears) {
    const { id, region } = vmcs;
    task.host.emit({
      kind: "ipi.sent",
      operation: task.operation,
      from: task.cpu.number,
      to: cpu,
      vmcs: id,
      region,
      epoch,
    });
  }
  return { cpu, operation: task.operation, instructions: crossCpuClears(clears) };
}

function applyBatch(
  task: Task,
  cpu: number,
  clears: readonly DecidedClear[],
  result: BatchResult | undefined,
  cause: string,
): OperationFailed | undefined {
  invariant(result !== undefined, "every batch has a result");
  if (!result.ok) {
    if (result.error.definite) clears.forEach(withdrawClear);
    return new OperationFailed(result.error);
  }
  const { results } = result.completion;
  clears.forEach((clear, i) => {
    // The interrupt comes first in the batch.
    const cleared = results[i + 1];
    if (cleared === undefined || !applyClear(task.host, clear, cleared, task.operation, cause)) return;
    task.host.counters.clearsCrossCpu++;
    const { id, region } = clear.vmcs;
    const timing = clearTiming(result.completion, i);
    task.host.emit({
      kind: "ipi.acked",
      operation: task.operation,
      from: task.cpu.number,
      to: cpu,
      vmcs: id,
      region,
      epoch: clear.epoch,
      ...(timing === undefined ? {} : { timing }),
    });
  });
  const stopped = findStop(cpu, crossCpuClears(clears), results);
  return stopped === undefined
    ? undefined
    : new OperationFailed({ code: "unexpectedOutcome", definite: true, message: describeStop(cpu, stopped) });
}

function clearLocally(task: Task, clear: DecidedClear, cause: string): void {
  const { vmcs, epoch } = clear;
  leaveOtherGuest(task);
  task.script.push({ kind: "vmclear", region: vmcs.region, epoch }, (result) => {
    if (result === undefined) withdrawClear(clear);
    else if (applyClear(task.host, clear, result, task.operation, cause)) task.host.counters.clearsLocal++;
  });
}

/**
 * Stores the flushed image, and only then publishes "active nowhere". A completion that comes late, when the record already names another
 * CPU or activation, changes nothing (H9). Returns whether it counted.
 */
export function applyClear(
  host: HostState,
  { vmcs, cpu, epoch }: DecidedClear,
  result: InstructionResult,
  operation: number,
  cause: string,
): boolean {
  if (vmcs.cpu !== cpu || vmcs.epoch !== epoch) return false;
  if (result.status === "notMine")
    fail("unexpectedOutcome", `CPU ${cpu} does not hold VMCS ${vmcs.id} (epoch ${epoch})`);
  if (result.status !== "succeed") return false;
  if (result.fields !== undefined) applyFields(result.fields, vmcs.home);
  host.cpu(cpu).loaded.delete(vmcs);
  vmcs.cpu = NOWHERE;
  vmcs.launched = false;
  vmcs.clearInDoubt = false;
  host.emitRecord(vmcs, operation, cause);
  return true;
}

/** From the moment the clear is decided, no load may trust that CPU's current pointer (step 2 of KVM's callback; H18). */
function forgetCurrent(host: HostState, vmcs: LoadedVmcs, cpu: number): void {
  const target = host.cpu(cpu);
  if (target.current === vmcs) target.current = undefined;
  if (target.running === vmcs.vcpu) target.running = undefined;
}
