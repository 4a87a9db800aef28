/**
 * VM entry by VMLAUNCH and VMRESUME: SDM 26.1 to 26.7. The order of the checks is architectural; see the numbered list
 * in 26.1 and 30.3.
 */

import { ActivityState, PrimaryControl } from "../control-bits.js";
import { CONTROL_RULES, GUEST_STATE_RULES, HOST_STATE_RULES } from "../entry-checks/check.js";
import { type EntryContext, firstBroken } from "../entry-checks/context.js";
import { isLinkPointerUnused, usesPaePaging } from "../entry-checks/guest-nonregister-rules.js";
import { failingMsr } from "../entry-checks/msr-load.js";
import { ExitReason } from "../exit-reasons.js";
import { Field } from "../field-encodings.js";
import { fieldIndex } from "../fields.js";
import { Hazard } from "../hazards.js";
import { type Instruction, Op } from "../instruction.js";
import { Status } from "../outcome.js";
import { type ProcessorState, VmxMode } from "../processor-state.js";
import { fail, failInvalid, VmError } from "../results.js";
import { exitFromGuest, failEntry } from "../vm-exit.js";
import { type CachedVmcs, Unchecked } from "../vmcs-cache.js";
import { linkedVmcs, usesShadowing } from "../vmcs-shadowing.js";
import { permitted } from "./permission.js";

const ACTIVITY_STATE = fieldIndex(Field.GUEST_ACTIVITY_STATE);

export function vmentry(cpu: ProcessorState, instruction: Instruction): void {
  const launches = instruction.op === Op.vmlaunch;
  if (!permitted(cpu, instruction, launches ? ExitReason.vmlaunch : ExitReason.vmresume)) return;
  const vmcs = cpu.current;
  if (vmcs === undefined || vmcs.isShadow) failInvalid(cpu);
  else if (instruction.movSs) fail(cpu, VmError.movSsBlocking);
  else checkLaunchState(cpu, vmcs, launches, instruction.length);
}

function checkLaunchState(cpu: ProcessorState, vmcs: CachedVmcs, launches: boolean, length: number): void {
  if (!vmcs.page.launchInitialised) cpu.out.hazard = Hazard.launchStateUninitialised;
  if (launches && vmcs.launched) fail(cpu, VmError.vmlaunchNotClear);
  else if (!launches && !vmcs.launched) fail(cpu, VmError.vmresumeNotLaunched);
  else enter(cpu, vmcs, length);
}

function enter(cpu: ProcessorState, vmcs: CachedVmcs, length: number): void {
  if (vmcs.unchecked !== 0 && !passesChecks(cpu, vmcs, length)) return;
  vmcs.launched = true;
  cpu.mode = VmxMode.nonRoot;
  if (usesShadowing(vmcs.fields)) linkedVmcs(cpu);
  cpu.out.status = Status.vmentry;
  if (cpu.initPending) takePendingInit(cpu, vmcs);
}

/** INIT is no longer blocked in the guest: it leaves at once, unless it waits for a startup IPI (SDM 23.8, 25.2). */
function takePendingInit(cpu: ProcessorState, vmcs: CachedVmcs): void {
  if (vmcs.fields.low[ACTIVITY_STATE] === ActivityState.waitForSipi) return;
  cpu.initPending = false;
  exitFromGuest(cpu, ExitReason.init, 0, 0);
}

/**
 * What has not changed since the last successful entry need not be checked again, as on processors that cache VMCSs;
 * unless it depends on memory, which may have changed.
 */
function passesChecks(cpu: ProcessorState, vmcs: CachedVmcs, length: number): boolean {
  const context = cpu.entryContext;
  context.use(vmcs.fields, vmcs.region);
  if ((vmcs.unchecked & Unchecked.controls) !== 0 && firstBroken(CONTROL_RULES, context) !== undefined) {
    fail(cpu, VmError.entryControls);
    return false;
  }
  if ((vmcs.unchecked & Unchecked.host) !== 0 && firstBroken(HOST_STATE_RULES, context) !== undefined) {
    fail(cpu, VmError.entryHostState);
    return false;
  }
  const broken = firstBroken(GUEST_STATE_RULES, context);
  if (broken !== undefined) {
    failEntry(cpu, vmcs, ExitReason.invalidGuestState, broken.qualification ?? 0, length);
    return false;
  }
  const failing = failingMsr(context);
  if (failing !== 0) {
    failEntry(cpu, vmcs, ExitReason.msrLoading, failing, length);
    return false;
  }
  vmcs.unchecked = dependsOnMemory(context) ? Unchecked.all : 0;
  return true;
}

function dependsOnMemory(context: EntryContext): boolean {
  return (
    !isLinkPointerUnused(context) ||
    usesPaePaging(context) ||
    context.low(Field.VM_ENTRY_MSR_LOAD_COUNT) !== 0 ||
    context.has(Field.CPU_BASED_VM_EXEC_CONTROL, PrimaryControl.useTprShadow)
  );
}
