import { checkGuestState, FIELDS, fieldIndex, invariant } from "@vmcslab/vmx";
import type { Answer, CreateVcpuRequest, GuestExitAnswer, GuestExitRequest, L1Instruction, L1Outcome } from "./api.js";
import { fail, type Operation, OperationFailed, type Steps } from "./effect.js";
import { clearAll } from "./host/clear.js";
import type { HostState } from "./host/host-state.js";
import { ensureRunning, enterGuest, loadVmcs } from "./host/load.js";
import { leaveOtherGuest, settleEarlier, Task } from "./host/task.js";
import { Vcpu } from "./host/vcpu.js";
import { runL1 } from "./l1/run-l1.js";
import { freeNested } from "./l1/vmx-instructions.js";
import { supportsField } from "./nested/capabilities.js";
import { exitFromL2 } from "./nested/exit.js";
import { initialVmcs01 } from "./nested/host-values.js";

/** Runs the steps of one operation between its op.begin and op.end, and turns a failure into a value. */
export function* operation<T>(
  host: HostState,
  name: string,
  vcpu: number | undefined,
  steps: (operation: number) => Steps<T>,
): Operation<T> {
  const number = host.nextOperation++;
  const who = vcpu === undefined ? {} : { vcpu };
  host.emit({ kind: "op.begin", operation: number, instruction: name, ...who });
  try {
    const value = yield* untilCrash(host, steps(number), name);
    host.remember(number);
    host.emit({ kind: "op.end", operation: number, instruction: name, ...who, status: "ok", definite: true });
    return { ok: true, value };
  } catch (error) {
    if (!(error instanceof OperationFailed)) throw error;
    const { code, definite } = error.error;
    host.remember(number);
    host.emit({ kind: "op.end", operation: number, instruction: name, ...who, status: code, definite });
    return { ok: false, error: error.error } satisfies Answer<T>;
  }
}

/** Crash clear-all stops whatever is under way where it stands, as the NMI that halts a CPU does: nothing is sent any more, and nobody can say what took effect. */
function* untilCrash<T>(host: HostState, steps: Steps<T>, name: string): Steps<T> {
  const isCrash = name === "crashClearAll";
  if (host.recovering.size > 0 && !RECOVERS.has(name)) fail("cpuUnavailable", describeRecovery(host));
  if (host.crashed) fail("hostCrashed", "the host has crashed: it runs nothing any more");
  let step = steps.next([]);
  while (step.done !== true) {
    const results = yield step.value;
    if (host.crashed && !isCrash) fail("hostCrashed", "the host crashed while this was under way", false);
    step = steps.next(results);
  }
  return step.value;
}

/** What a restarted L0 does before it does anything else. */
const RECOVERS: ReadonlySet<string> = new Set(["registerCpu", "recoverCpu"]);

function describeRecovery({ recovering }: HostState): string {
  const cpus = [...recovering].sort((a, b) => a - b).join(", ");
  return `L0 has restarted and is recovering: CPU ${cpus} has not said yet which VMCSs it holds`;
}

interface VcpuOptions {
  /** The CPU it works on. Default: the one the vcpu is placed on. */
  readonly cpuOf?: (vcpu: Vcpu) => number;
  /** Also on a vcpu that was killed. */
  readonly evenKilled?: boolean;
}

/** An operation on a vcpu: takes its lock, then that of the CPU it works on (its own, unless `cpuOf` says otherwise), and leaves nothing unsent behind. */
export function* onVcpu<T>(
  host: HostState,
  id: number,
  number: number,
  steps: (task: Task) => Steps<T>,
  { cpuOf = (vcpu) => vcpu.cpu, evenKilled = false }: VcpuOptions = {},
): Steps<T> {
  yield { kind: "lock", key: `vcpu ${id}` };
  const vcpu = host.vcpu(id);
  yield* settleEarlier(vcpu);
  const cpu = cpuOf(vcpu);
  yield { kind: "lock", key: `cpu ${cpu}` };
  if (vcpu.killed && !evenKilled)
    fail("vcpuKilled", `vcpu ${id} ended: a CPU that held one of its VMCSs was lost (policy kill)`);
  const task = new Task(host, number, vcpu, host.onlineCpu(cpu));
  try {
    return yield* steps(task);
  } catch (error) {
    // What was decided has been recorded as decided, so it must reach the CPU even if the operation goes no further. If it is not known to, that is the
    // graver news.
    yield* task.flush();
    throw error;
  }
}

/** Where to work for a vcpu whose own CPU may be gone. */
export function anyCpuFor(host: HostState): (vcpu: Vcpu) => number {
  return (vcpu) => {
    if (host.cpus.get(vcpu.cpu)?.state === "online") return vcpu.cpu;
    const online = [...host.cpus.values()].find((cpu) => cpu.state === "online");
    return online?.number ?? vcpu.cpu;
  };
}

export function* createVcpu(host: HostState, number: number, request: CreateVcpuRequest): Steps<number> {
  const wanted = request.poolSize ?? host.config.poolSize;
  if (!Number.isInteger(wanted) || wanted < 0) fail("invalidArgument", `pool size ${wanted}: a whole number from 0`);
  // A single vmcs02 is a pool that holds one and is never freed for a vmcs12.
  const poolSize = host.design.vmcs02 === "single" ? 1 : wanted;
  host.onlineCpu(request.cpu);
  // Others may use the vcpu as soon as it is listed, but not before it is whole.
  const id = host.nextVcpu++;
  yield { kind: "lock", key: `vcpu ${id}` };
  yield { kind: "lock", key: `cpu ${request.cpu}` };
  const cpu = host.onlineCpu(request.cpu);
  const vmcs01 = host.allocateVmcs("vmcs01", id, number);
  if (vmcs01 === undefined) fail("noMemory", "no page for a vmcs01");
  const vm = host.vm(request.vm ?? freeVmId(host));
  const vcpu = new Vcpu(id, vm, request.cpu, poolSize, vmcs01);
  vm.vcpus.add(id);
  host.vcpus.set(id, vcpu);
  const task = new Task(host, number, vcpu, cpu);
  yield* loadVmcs(task, vmcs01, "create");
  task.script.write(vmcs01, initialVmcs01(host.config.model, id));
  enterGuest(task, vmcs01);
  try {
    yield* task.flush();
  } catch (error) {
    // Where its CPU is gone nothing of it is left there; where the CPU is silent it stays listed, to be destroyed.
    if (!vmcs01.isActive) forgetVcpu(host, vcpu, number);
    throw error;
  }
  host.emit({ kind: "vcpu.created", operation: number, vcpu: id, cpu: request.cpu, count: poolSize });
  return id;
}

/**
 * vmx_free_vcpu, in the order of kernel 4.9: leave L2, so that vmcs01 is in use; free the nested state; then vmcs01 itself. All VMCSs
 * are cleared where they were last loaded, and waited for, before a page is freed (H13, H14).
 */
export function* destroyVcpu(task: Task): Steps<void> {
  const { vcpu, host, operation: number } = task;
  leaveOtherGuest(task);
  yield* clearAll(task, [...vcpu.pool.map((entry) => entry.vmcs), vcpu.vmcs01], "destroy");
  yield* task.flush();
  vcpu.guestMode = false;
  vcpu.loaded = vcpu.vmcs01;
  yield* freeNested(task);
  invariant(vcpu.pool.length === 0, "a pool is empty outside VMX operation");
  invariant(!vcpu.vmcs01.isActive, "vmcs01 is freed only when it is active nowhere");
  forgetVcpu(host, vcpu, number);
  host.emit({ kind: "vcpu.destroyed", operation: number, vcpu: vcpu.id });
}

function forgetVcpu(host: HostState, vcpu: Vcpu, number: number): void {
  host.freeVmcs(vcpu.vmcs01, number);
  vcpu.vm.vcpus.delete(vcpu.id);
  if (vcpu.vm.vcpus.size === 0) host.vms.delete(vcpu.vm.id);
  host.vcpus.delete(vcpu.id);
}

export function* runL1Instructions(task: Task, instructions: readonly L1Instruction[]): Steps<L1Outcome[]> {
  if (task.vcpu.guestMode)
    fail("failedPrecondition", `vcpu ${task.vcpu.id} runs L2: L1 executes nothing before an exit`);
  return yield* runL1(task, instructions);
}

export function* guestExit(task: Task, request: GuestExitRequest): Steps<GuestExitAnswer> {
  const { vcpu } = task;
  checkGuestExit(task.host, request);
  checkGuestCanRun(task, request);
  yield* ensureRunning(task, "guest exit");
  if (vcpu.guestMode) return { level: 2, reflected: yield* exitFromL2(task, request) };
  task.script.guestExit(vcpu.vmcs01, request);
  enterGuest(task, vcpu.vmcs01);
  yield* task.flush();
  return { level: 1, reflected: false };
}

/** What a guest may have changed of itself before it left: guest-state fields that this processor has. */
function checkGuestExit(host: HostState, { reason, guest }: GuestExitRequest): void {
  if (!Number.isInteger(reason) || reason < 0 || reason > 0xffff)
    fail("invalidArgument", `exit reason ${reason}: 0 to 65535`);
  for (const [encoding] of guest) {
    const field = FIELDS[fieldIndex(encoding)];
    const isFull = field?.encoding === encoding;
    if (!isFull || field.type !== "guest" || !supportsField(host.config.model, encoding)) {
      fail("invalidArgument", `0x${encoding.toString(16)} is not a guest-state field of this processor`);
    }
  }
}

/** A guest whose state no processor accepts could never be entered again: whoever plays it is told which rule it breaks. */
function checkGuestCanRun({ vcpu, host }: Task, { guest }: GuestExitRequest): void {
  const state = host.scratch;
  state.copyFrom(vcpu.loaded.known);
  for (const [encoding, value] of guest) state.write(encoding, value);
  const bad = checkGuestState(state, host.config.model);
  if (bad !== undefined)
    fail("invalidArgument", `no guest can be in that state: ${bad.field}: ${bad.rule} (${bad.section})`);
}

/** The vcpu's thread moves: the VMCS in use is cleared where it was, loaded on the new CPU and launched again. The others follow when they are next used. */
export function* placeVcpu(task: Task): Steps<void> {
  const { vcpu, host, cpu, operation: number } = task;
  const from = vcpu.cpu;
  // An earlier move may have stopped half-way, at a clear that was not answered: asking again finishes it.
  if (from === cpu.number && vcpu.loaded.cpu === cpu.number) return;
  yield* ensureRunning(task, "place");
  yield* task.flush();
  vcpu.cpu = cpu.number;
  if (from === cpu.number) return;
  host.counters.migrations++;
  host.emit({ kind: "vcpu.placed", operation: number, vcpu: vcpu.id, from, to: cpu.number });
}

/** The next number that no VM has. Callers may name VMs themselves, so it may be taken. */
function freeVmId(host: HostState): number {
  while (host.vms.has(host.nextVm)) host.nextVm++;
  return host.nextVm;
}
