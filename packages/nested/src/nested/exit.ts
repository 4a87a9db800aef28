import { ExitReason, Field, type FieldStore } from "@vmcslab/vmx";
import type { GuestExitRequest } from "../api.js";
import type { Steps } from "../effect.js";
import { applyFields } from "../field-values.js";
import { enterGuest, loadVmcs } from "../host/load.js";
import type { Task } from "../host/task.js";
import { l1WantsExit, l1WantsInterrupt } from "./exit-policy.js";
import { consumeInjectedEvent, l2Fields, loadL1HostState } from "./prepare.js";

/** An exit of L2. Returns whether L1 sees it; otherwise L0 has handled it and L2 runs again. */
export function* exitFromL2(
  task: Task,
  exit: Pick<GuestExitRequest, "reason" | "qualification" | "guest" | "interruptForL1">,
): Steps<boolean> {
  const { vcpu, host, script, operation } = task;
  const vmcs02 = vcpu.loaded;
  const wasLaunched = vcpu.vmcs12.launched;
  script.guestExit(vmcs02, exit, () => {
    // L2 has not left: it runs on.
    vcpu.guestMode = true;
    vcpu.loaded = vmcs02;
    vcpu.vmcs12.launched = wasLaunched;
  });
  const { fields } = vcpu.vmcs12;
  const wanted = l1WantsExit(exit.reason, exit.qualification, fields, vcpu.vm.memory);
  const interrupted = !wanted && exit.interruptForL1 === true && l1WantsInterrupt(fields);
  const reflected = wanted || interrupted;
  if (reflected) yield* nestedVmexit(task, interrupted);
  else enterGuest(task, vcpu.loaded);
  yield* task.flush();
  host.counters.nestedExits++;
  host.emit({
    kind: "nested.exit",
    operation,
    vcpu: vcpu.id,
    vmptr: vcpu.currentVmptr,
    reason: exit.reason,
    toL1: reflected,
  });
  return reflected;
}

/** nested_vmx_vmexit: L2's state goes into the vmcs12, vmcs01 is loaded, and L1 runs where its vmcs12 says. L2 is out of its guest already. */
function* nestedVmexit(task: Task, forInterrupt: boolean): Steps<void> {
  const { vcpu } = task;
  syncVmcs12(task, vcpu.vmcs12.fields, forInterrupt);
  vcpu.guestMode = false;
  vcpu.vmcs12.launched = true;
  vcpu.loaded = vcpu.vmcs01;
  yield* loadVmcs(task, vcpu.vmcs01, "exit to L1");
  task.script.write(vcpu.vmcs01, loadL1HostState(vcpu.vmcs12.fields));
  enterGuest(task, vcpu.vmcs01);
}

/** sync_vmcs02_to_vmcs12 and prepare_vmcs12: the vmcs02 is current; what it holds of L2 is read and kept when the batch has ended. */
function syncVmcs12({ script, host, vcpu }: Task, vmcs12: FieldStore, forInterrupt: boolean): void {
  const { model } = host.config;
  const vmcs02 = vcpu.loaded;
  script.read(l2Fields(model).atExit, (values) => {
    applyFields(values, vmcs12);
    applyFields(values, vmcs02.known);
    consumeInjectedEvent(vmcs12);
    if (forInterrupt) makeInterruptExit(vmcs12);
  });
}

/** The exit that L0 makes up for L1, over the one that L2 really took. */
function makeInterruptExit(vmcs12: FieldStore): void {
  vmcs12.write(Field.VM_EXIT_REASON, BigInt(ExitReason.externalInterrupt));
  vmcs12.write(Field.EXIT_QUALIFICATION, 0n);
  vmcs12.write(Field.VM_EXIT_INSTRUCTION_LEN, 0n);
}
