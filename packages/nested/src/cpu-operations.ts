import { fail, OperationFailed, type Steps } from "./effect.js";
import { applyClear, type DecidedClear, decideClear, withdrawClear } from "./host/clear.js";
import type { HostCpu } from "./host/host-cpu.js";
import type { HostState } from "./host/host-state.js";
import { restoreHome } from "./host/load.js";
import { type LoadedVmcs, NOWHERE } from "./host/loaded-vmcs.js";
import { describeStop, findStop } from "./host/task.js";
import type { BatchInstruction, InstructionResult } from "./interconnect/batch.js";
import { anyCpuFor, destroyVcpu, onVcpu, operation } from "./operations.js";

/** A CPU service is there: VMXON, then it may be used. Another incarnation than the last means that what was cached there is gone. */
export function* registerCpu(host: HostState, operation: number, number: number, incarnation: number): Steps<void> {
  yield { kind: "lock", key: `cpu ${number}` };
  const cpu = host.cpu(number);
  if (cpu.state === "online" && cpu.incarnation === incarnation) return;
  if (cpu.incarnation !== incarnation) loseCpu(host, number);
  cpu.incarnation = incarnation;
  yield* bringUp(host, operation, cpu);
  host.emit({ kind: "cpu.registered", operation, cpu: number, epoch: incarnation });
}

/** KVM's hardware_enable. */
export function* onlineCpu(host: HostState, operation: number, number: number): Steps<void> {
  yield { kind: "lock", key: `cpu ${number}` };
  const cpu = host.cpus.get(number);
  if (cpu === undefined) fail("notFound", `no CPU ${number} has registered`);
  if (cpu.state === "online") return;
  // Its next life may be there already. To use it before it has registered would be to take what it is given for the last one's, and give that up when it registers.
  if (cpu.incarnation === 0) fail("cpuUnavailable", `CPU ${number} is lost, and has not registered again`);
  yield* bringUp(host, operation, cpu);
  host.emit({ kind: "cpu.registered", operation, cpu: number, epoch: cpu.incarnation });
}

export function* bringUp(host: HostState, operation: number, cpu: HostCpu): Steps<void> {
  // Going down stopped half-way, and what it sent may still be executed: that has to be over first.
  if (cpu.state === "going") yield* takeDown(host, operation, cpu);
  cpu.vmxonRegion ??= host.allocator.allocatePage();
  if (cpu.vmxonRegion === undefined) fail("noMemory", `no page for the VMXON region of CPU ${cpu.number}`);
  yield* runOn(cpu, operation, [{ kind: "vmxon", region: cpu.vmxonRegion }]);
  cpu.state = "online";
}

/**
 * KVM's hardware_disable, on request: every VMCS that is active there is cleared first (H5, H6), then VMXOFF. A cross-CPU clear that is on its way to this CPU
 * arrives there before our batch, so its completion is applied first and ours for the same VMCS changes nothing (H9).
 */
export function* offlineCpu(host: HostState, operation: number, number: number): Steps<number> {
  yield { kind: "lock", key: `cpu ${number}` };
  // One that is going already stopped half-way, at a batch that was not answered: asking again finishes it.
  const cpu = host.cpus.get(number)?.state === "going" ? host.cpu(number) : host.onlineCpu(number);
  return yield* takeDown(host, operation, cpu);
}

function* takeDown(host: HostState, operation: number, cpu: HostCpu): Steps<number> {
  const { number, state: before } = cpu;
  cpu.state = "going";
  const clears = [...cpu.loaded].map(decideClear);
  cpu.current = undefined;
  cpu.running = undefined;
  const instructions: BatchInstruction[] = [
    { kind: "interrupt" },
    ...clears.map(({ vmcs, epoch }) => ({ kind: "vmclear", region: vmcs.region, epoch }) as const),
    { kind: "vmxoff" },
  ];
  const results = yield* runDown(cpu, operation, instructions, clears, before);
  clears.forEach((clear, i) => {
    const result = results[i + 1];
    if (result !== undefined && applyClear(host, clear, result, operation, "cpu offline")) host.counters.clearsLocal++;
  });
  cpu.state = "offline";
  host.emit({ kind: "cpu.offline", operation, cpu: number, count: clears.length });
  return clears.length;
}

/** Where nothing was executed, the CPU is as it was before: up, or still going, because an earlier attempt may be executed yet. */
function* runDown(
  cpu: HostCpu,
  operation: number,
  instructions: readonly BatchInstruction[],
  clears: readonly DecidedClear[],
  before: HostCpu["state"],
): Steps<readonly InstructionResult[]> {
  try {
    return yield* runOn(cpu, operation, instructions);
  } catch (error) {
    if (error instanceof OperationFailed && error.error.definite && cpu.state === "going") {
      cpu.state = before;
      clears.forEach(withdrawClear);
    }
    throw error;
  }
}

/** See Hypervisor.cpuFenced. */
export function fenceCpu(host: HostState, number: number, incarnation: number): void {
  host.emit({ kind: "cpu.fenced", operation: 0, cpu: number, epoch: incarnation });
  loseCpu(host, number);
}

/**
 * A CPU vanished, and with it what it cached. Its VMCSs are active nowhere now; each is rebuilt from what L0 knows of it when it is next loaded. No operation: it
 * takes no lock, because whoever holds one waits for exactly this CPU.
 */
export function loseCpu(host: HostState, number: number): void {
  const cpu = host.cpu(number);
  const lost = [...cpu.loaded];
  const wasUsed = cpu.state !== "offline" || lost.length > 0;
  for (const vmcs of lost) {
    vmcs.cpu = NOWHERE;
    vmcs.launched = false;
    vmcs.clearInDoubt = false;
    restoreHome(vmcs);
    host.emit({ kind: "vmcs.lost", operation: 0, vmcs: vmcs.id, region: vmcs.region, cpu: number });
    host.emitRecord(vmcs, 0, "cpu lost");
  }
  cpu.loaded.clear();
  cpu.current = undefined;
  cpu.running = undefined;
  cpu.state = "offline";
  cpu.incarnation = 0;
  if (host.recovering.has(number)) declareUnrecorded(host, number);
  if (wasUsed) host.emit({ kind: "cpu.lost", operation: 0, cpu: number, count: lost.length });
  host.accountedFor(number);
  if (host.config.lostVmcs === "kill") killOwners(host, number, lost);
}

/**
 * A CPU that the last life of L0 used will never say what it held. An operation that was not recorded may have activated there what the journal has nowhere: it has not happened, and the contents
 * are the journal's.
 */
function declareUnrecorded(host: HostState, number: number): void {
  for (const vcpu of host.vcpus.values())
    for (const { id, region, cpu } of vcpu.vmcss)
      if (cpu === NOWHERE) host.emit({ kind: "vmcs.lost", operation: 0, vmcs: id, region, cpu: number });
}

/** Policy kill: the vcpus end whose VMCSs were on the CPU that was lost. */
function killOwners(host: HostState, cpu: number, lost: readonly LoadedVmcs[]): void {
  for (const id of new Set(lost.map((vmcs) => vmcs.vcpu))) {
    const vcpu = host.vcpus.get(id);
    if (vcpu === undefined || vcpu.killed) continue;
    vcpu.killed = true;
    host.emit({ kind: "vcpu.killed", operation: 0, vcpu: id, cpu });
    // What it holds elsewhere is cleared and freed as in any destruction. Where that cannot end now, it stays listed, to be destroyed by request.
    const options = { cpuOf: anyCpuFor(host), evenKilled: true };
    host.begin(operation(host, "killVcpu", id, (number) => onVcpu(host, id, number, destroyVcpu, options)));
  }
}

export function* runOn(
  cpu: HostCpu,
  operation: number,
  instructions: readonly BatchInstruction[],
): Steps<readonly InstructionResult[]> {
  const [result] = yield { kind: "batches", batches: [{ cpu: cpu.number, operation, instructions }] };
  if (result === undefined) fail("unexpectedOutcome", `CPU ${cpu.number}: no result for a batch`, false);
  if (!result.ok) throw new OperationFailed(result.error);
  const { results } = result.completion;
  const stopped = findStop(cpu.number, instructions, results);
  if (stopped !== undefined) fail("unexpectedOutcome", describeStop(cpu.number, stopped));
  return results;
}
