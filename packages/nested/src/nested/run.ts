import {
  checkEntryControls,
  checkGuestState,
  checkHostState,
  checkMsrLoading,
  ENTRY_FAILURE,
  ExitReason,
  Field,
} from "@vmcslab/vmx";
import type { L1Instruction, L1Outcome } from "../api.js";
import { fail, type Steps } from "../effect.js";
import { enterGuest, loadVmcs } from "../host/load.js";
import { describeStop, type Stopped, type Task } from "../host/task.js";
import { NO_POINTER, type Vcpu } from "../host/vcpu.js";
import { checkPermission, FAIL_INVALID, vmFail } from "../l1/vmcs12.js";
import { type CurrentVmcs02, getCurrentVmcs02 } from "../pool/pool.js";
import { l1Model } from "./capabilities.js";
import { whatDiffers } from "./incremental.js";
import { loadL1HostState, prepareVmcs02 } from "./prepare.js";

type Run = Extract<L1Instruction, { op: "vmlaunch" | "vmresume" }>;

/** An entry that fails with an exit: reason 33 or 34, with bit 31 set in the field. */
interface EntryFailure {
  readonly reason: number;
  readonly qualification: bigint;
}

/** nested_vmx_run: L1's VMLAUNCH or VMRESUME, its checks in KVM's order. The caller has L1 out of its guest. */
export function* nestedRun(task: Task, instruction: Run): Steps<L1Outcome> {
  const refused = checkBeforeEntry(task, instruction);
  if (refused !== undefined) return reportFailure(task, refused);
  const failure = checkL2State(task);
  if (failure !== undefined) return failEntry(task, failure);
  // From here on L0 works for this entry: the vmcs02 is found, brought to this CPU, prepared and entered in one batch.
  const current = getCurrentVmcs02(task);
  yield* loadVmcs(task, current.vmcs, "enter L2");
  return yield* enterL2(task, current);
}

function checkBeforeEntry({ vcpu, host }: Task, { op, user, movSs }: Run): L1Outcome | undefined {
  const refused = checkPermission(vcpu, user === true);
  if (refused !== undefined) return refused;
  if (vcpu.currentVmptr === NO_POINTER) return FAIL_INVALID;
  if (movSs === true) return vmFail(vcpu, 26);
  if (op === "vmlaunch" && vcpu.vmcs12.launched) return vmFail(vcpu, 4);
  if (op === "vmresume" && !vcpu.vmcs12.launched) return vmFail(vcpu, 5);
  const model = l1Model(host.config.model);
  if (checkEntryControls(vcpu.vmcs12.fields, model, vcpu.vm.memory) !== undefined) return vmFail(vcpu, 7);
  if (checkHostState(vcpu.vmcs12.fields, model) !== undefined) return vmFail(vcpu, 8);
  return undefined;
}

function checkL2State({ vcpu, host }: Task): EntryFailure | undefined {
  const { fields } = vcpu.vmcs12;
  const { memory } = vcpu.vm;
  const model = l1Model(host.config.model);
  const bad = checkGuestState(fields, model, { memory, currentVmcs: vcpu.currentVmptr });
  if (bad !== undefined) return { reason: ExitReason.invalidGuestState, qualification: BigInt(bad.qualification) };
  const index = checkMsrLoading(fields, model, memory);
  return index === 0 ? undefined : { reason: ExitReason.msrLoading, qualification: BigInt(index) };
}

function* enterL2(task: Task, { vmcs, how }: CurrentVmcs02): Steps<L1Outcome> {
  const { vcpu, host, operation } = task;
  const prepared = prepareVmcs02(vcpu.vmcs12.fields, host.config.model, vcpu.id);
  const differs = host.design.preparation === "incremental" && how === "hit";
  task.script.write(vmcs, differs ? whatDiffers(prepared, vmcs.known) : prepared);
  const instruction = vmcs.launched ? "vmresume" : "vmlaunch";
  vcpu.loaded = vmcs;
  vcpu.guestMode = true;
  enterGuest(task, vmcs, () => leaveGuestMode(vcpu));
  const stopped = yield* task.flushEntry();
  if (stopped !== undefined) return yield* backOut(task, stopped);
  host.counters.nestedEntries++;
  host.emit({
    kind: "nested.enter",
    operation,
    vcpu: vcpu.id,
    cpu: task.cpu.number,
    vmptr: vcpu.currentVmptr,
    vmcs: vmcs.id,
    instruction,
    cause: how,
    count: task.roundTrips,
  });
  return { status: "l2" };
}

/** Hardware refused what our checks let through: as KVM does, L1 gets the failure that the processor named. */
function* backOut(task: Task, stopped: Stopped): Steps<L1Outcome> {
  const { vcpu, cpu } = task;
  const { instruction, result } = stopped;
  if (instruction.kind !== "vmlaunch" && instruction.kind !== "vmresume")
    fail("unexpectedOutcome", describeStop(cpu.number, stopped));
  leaveGuestMode(vcpu);
  yield* loadVmcs(task, vcpu.vmcs01, "entry failed");
  if (result.entryFailure === true && result.reason !== undefined)
    return failEntry(task, { reason: result.reason, qualification: 0n });
  // 4 and 5 would mean that L0 chose the wrong instruction, not that L1 did something wrong.
  if (result.status !== "failValid" || (result.error !== 7 && result.error !== 8))
    fail("unexpectedOutcome", describeStop(cpu.number, stopped));
  return reportFailure(task, vmFail(vcpu, result.error));
}

function leaveGuestMode(vcpu: Vcpu): void {
  vcpu.guestMode = false;
  vcpu.loaded = vcpu.vmcs01;
}

/** The entry fails with a VM exit to L1. Neither the launch state nor VM_INSTRUCTION_ERROR changes. */
function failEntry(task: Task, { reason, qualification }: EntryFailure): L1Outcome {
  const { vcpu, script } = task;
  vcpu.vmcs12.fields.write(Field.VM_EXIT_REASON, BigInt(reason + ENTRY_FAILURE));
  vcpu.vmcs12.fields.write(Field.EXIT_QUALIFICATION, qualification);
  script.write(vcpu.vmcs01, loadL1HostState(vcpu.vmcs12.fields));
  return reportFailure(task, { status: "vmexit", reason, qualification });
}

function reportFailure(task: Task, outcome: L1Outcome): L1Outcome {
  const { vcpu, host, operation } = task;
  const error = outcome.error ?? outcome.vector;
  host.emit({
    kind: "nested.enterFailed",
    operation,
    vcpu: vcpu.id,
    status: outcome.status,
    ...(vcpu.currentVmptr === NO_POINTER ? {} : { vmptr: vcpu.currentVmptr }),
    ...(error === undefined ? {} : { error }),
    ...(outcome.reason === undefined ? {} : { reason: outcome.reason }),
  });
  return outcome;
}
