import { Field } from "@vmcslab/vmx";
import { fail, type Steps } from "../effect.js";
import { FieldValuesBuilder } from "../field-values.js";
import type { FieldValues } from "../interconnect/batch.js";
import { writableEncodings } from "../nested/capabilities.js";
import { clearAll } from "./clear.js";
import type { HostCpu } from "./host-cpu.js";
import { type LoadedVmcs, NOWHERE } from "./loaded-vmcs.js";
import { leaveOtherGuest, type Task } from "./task.js";

/**
 * Makes a VMCS current on the task's CPU: KVM's vmx_vcpu_load_vmcs. If it is active on another CPU it is cleared there first, and that is waited for;
 * the record's `cpu` is set last.
 */
export function* loadVmcs(task: Task, vmcs: LoadedVmcs, cause: string): Steps<void> {
  if (vmcs.cpu !== NOWHERE && (vmcs.cpu !== task.cpu.number || vmcs.clearInDoubt)) {
    yield* clearAll(task, [vmcs], cause);
    // What a clear on this very CPU flushes has to come back before it can be loaded again.
    if (vmcs.isActive) yield* task.flush();
  }
  const { cpu, script } = task;
  // The CPU may have gone down while we waited for another one.
  if (cpu.state !== "online") fail("cpuUnavailable", `CPU ${cpu.number} went offline`);
  leaveOtherGuest(task);
  if (vmcs.cpu !== cpu.number) activate(task, vmcs, cause);
  else if (cpu.current !== vmcs) script.select(vmcs);
  if (vmcs.missesWrites) script.rewrite(vmcs, writableEncodings(task.host.config.model));
}

function activate(task: Task, vmcs: LoadedVmcs, cause: string): void {
  const { cpu, script, host, operation } = task;
  if (!vmcs.initialised) initialise(task, vmcs);
  const epoch = Math.max(vmcs.epoch, host.epochFloor) + 1;
  vmcs.epoch = epoch;
  vmcs.activatedBy = operation;
  script.activate(vmcs, (result) => {
    if (result !== undefined || vmcs.cpu !== cpu.number || vmcs.epoch !== epoch) return;
    // It certainly was not executed: the VMCS is where it was, active nowhere.
    cpu.loaded.delete(vmcs);
    vmcs.cpu = NOWHERE;
    vmcs.launched = false;
    host.emitRecord(vmcs, operation, "not loaded");
  });
  vmcs.cpu = cpu.number;
  host.emitRecord(vmcs, operation, cause);
  script.write(vmcs, perCpuHostFields(cpu));
}

/**
 * Enters the guest of the VMCS that is current: VMLAUNCH exactly when it is clear, VMRESUME when it is launched. `notExecuted`: the batch never got that far.
 */
export function enterGuest(task: Task, vmcs: LoadedVmcs, notExecuted: () => void = () => undefined): void {
  const { script, host, operation, cpu, vcpu } = task;
  const launching = !vmcs.launched;
  // A later entry in the same script must be a VMRESUME; taken back if this one does not reach the guest.
  vmcs.launched = true;
  script.push({ kind: launching ? "vmlaunch" : "vmresume" }, (result) => {
    if (result === undefined) notExecuted();
    if (!launching) return;
    if (result?.status === "vmentry") {
      // Heard of late, when a clear has followed that nobody has heard of: it says nothing about now.
      if (!vmcs.clearInDoubt) host.emitRecord(vmcs, operation, "launched");
    } else if (vmcs.cpu === cpu.number || !vmcs.isActive) vmcs.launched = false;
  });
  cpu.running = vcpu.id;
}

/** The vcpu runs in its guest on the task's CPU when this script has been executed. */
export function* ensureRunning(task: Task, cause: string): Steps<void> {
  const { vcpu, cpu } = task;
  if (cpu.running === vcpu.id && cpu.current === vcpu.loaded) return;
  yield* loadVmcs(task, vcpu.loaded, cause);
  enterGuest(task, vcpu.loaded);
}

/**
 * A fresh region's first VMCLEAR (H1): initialises its launch state in memory. It makes nothing active, so no epoch is spent on it.
 */
function initialise(task: Task, vmcs: LoadedVmcs): void {
  leaveOtherGuest(task);
  vmcs.initialised = true;
  task.script.push({ kind: "vmclear", region: vmcs.region, epoch: 0 }, (result) => {
    if (result === undefined) vmcs.initialised = false;
    else task.host.counters.clearsInitial++;
  });
  task.host.emitRecord(vmcs, task.operation, "initialised");
}

/** What a lost VMCS is rebuilt from: all that L0 knew of it becomes its home image. */
export function restoreHome(vmcs: LoadedVmcs): void {
  vmcs.home.copyFrom(vmcs.known);
}

/** Host state that differs between CPUs and so is written at every move: SDM 24.5, KVM vmx_vcpu_load_vmcs. */
function perCpuHostFields(cpu: HostCpu): FieldValues {
  const area = 0xffff_fe00_0000_0000n + BigInt(cpu.number) * 0x3_b000n;
  return new FieldValuesBuilder()
    .add(Field.HOST_TR_BASE, area + 0x3000n)
    .add(Field.HOST_GDTR_BASE, area + 0x1000n)
    .add(Field.HOST_IA32_SYSENTER_ESP, area + 0x2200n);
}
