import { Field } from "@vmcslab/vmx";
import { fail, type Steps } from "../effect.js";
import { FieldValuesBuilder } from "../field-values.js";
import type { FieldValues } from "../interconnect/batch.js";
import { clearAll } from "./clear.js";
import type { HostCpu } from "./host-cpu.js";
import { type LoadedVmcs, NOWHERE } from "./loaded-vmcs.js";
import type { Task } from "./task.js";

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
  if (vmcs.cpu === cpu.number) {
    if (cpu.current !== vmcs) {
      leaveOtherGuest(task);
      script.select(vmcs);
    }
    return;
  }
  leaveOtherGuest(task);
  vmcs.epoch++;
  script.activate(vmcs);
  vmcs.cpu = cpu.number;
  task.host.emitRecord(vmcs, task.operation, cause);
  script.write(vmcs, perCpuHostFields(cpu));
}

/** Enters the guest of the VMCS that is current: VMLAUNCH exactly when it is clear, VMRESUME when it is launched. */
export function enterGuest(task: Task, vmcs: LoadedVmcs): void {
  const { script, host, operation } = task;
  const launching = !vmcs.launched;
  // A later entry in the same script must be a VMRESUME; taken back if this one does not reach the guest.
  vmcs.launched = true;
  script.push({ kind: launching ? "vmlaunch" : "vmresume" }, (result) => {
    if (!launching) return;
    if (result?.status === "vmentry") {
      // Heard of late, when a clear has followed that nobody has heard of: it says nothing about now.
      if (!vmcs.clearInDoubt) host.emitRecord(vmcs, operation, "launched");
    } else if (vmcs.cpu === task.cpu.number) vmcs.launched = false;
  });
  task.cpu.running = task.vcpu.id;
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
export function initialise(task: Task, vmcs: LoadedVmcs): void {
  leaveOtherGuest(task);
  task.script.push({ kind: "vmclear", region: vmcs.region, epoch: 0 });
  task.host.counters.clearsInitial++;
  task.host.emitRecord(vmcs, task.operation, "initialised");
}

/** What a lost VMCS is rebuilt from: all that L0 knew of it becomes its home image. */
export function restoreHome(vmcs: LoadedVmcs): void {
  vmcs.home.copyFrom(vmcs.known);
}

/** Whoever is in a guest on this CPU leaves it: a VM exit for an external interrupt. */
export function leaveOtherGuest(task: Task): void {
  if (task.script.instructions.length === 0 || task.cpu.running !== undefined) task.script.interrupt();
}

/** Host state that differs between CPUs and so is written at every move: SDM 24.5, KVM vmx_vcpu_load_vmcs. */
function perCpuHostFields(cpu: HostCpu): FieldValues {
  const area = 0xffff_fe00_0000_0000n + BigInt(cpu.number) * 0x3_b000n;
  return new FieldValuesBuilder()
    .add(Field.HOST_TR_BASE, area + 0x3000n)
    .add(Field.HOST_GDTR_BASE, area + 0x1000n)
    .add(Field.HOST_IA32_SYSENTER_ESP, area + 0x2200n);
}
