/** Carries out the plan of one vcpu. Where the state is not what the next operation needs, it does what is missing, and says so. */
import type { Inferences } from "../capture/inferences.js";
import type { PlannedOperation, VcpuPlan } from "../capture/plan.js";
import { ENTRY_INTERRUPTION_INFORMATION, GUEST_RFLAGS, GUEST_RIP, GUEST_RSP } from "../workload/fields.js";
import type { Findings } from "../workload/findings.js";
import type { FieldValue, L1Vcpu } from "../workload/l1-vcpu.js";
import { controlsFor } from "../workload/l1-wants.js";
import { guestStateOf, inspect } from "../workload/lost-update.js";
import { injectionOf } from "./injection.js";

type Operation<K extends PlannedOperation["kind"]> = Extract<PlannedOperation, { kind: K }>;

/** RFLAGS.IF set, so that an external interrupt can be injected; bit 1 is always one. */
const RFLAGS_INTERRUPTS_ON = 0x202n;
const EXTERNAL_INTERRUPT = 1;

/** Where a vmcs12 lies that the capture never enters. */
const FALLBACK_VMPTR = 0x10_0000;

export class VcpuReplay {
  readonly #l1: L1Vcpu;
  readonly #inferences: Inferences;
  readonly #findings: Findings;
  readonly #controls: readonly FieldValue[];
  /** The vmcs12 to use where the capture does not say which. */
  #vmptr: number;

  constructor(l1: L1Vcpu, plan: VcpuPlan, inferences: Inferences, findings: Findings) {
    this.#l1 = l1;
    this.#inferences = inferences;
    this.#findings = findings;
    this.#vmptr = plan.operations.find((operation) => operation.kind === "enter")?.vmptr ?? FALLBACK_VMPTR;
    const seenByL1 = plan.operations.filter((operation) => operation.kind === "exitL2" && operation.toL1);
    this.#controls = [...controlsFor(seenByL1.flatMap((operation) => ("reason" in operation ? operation.reason : [])))];
  }

  async apply(operation: PlannedOperation): Promise<void> {
    switch (operation.kind) {
      case "enter":
        return await this.#enter(operation);
      case "exitL1":
        return await this.#exitL1(operation);
      case "exitL2":
        return await this.#exitL2(operation);
      case "instruction":
        return await this.#instruction(operation);
    }
  }

  async #enter(operation: Operation<"enter">): Promise<void> {
    this.#vmptr = operation.vmptr;
    await this.#needL1(operation);
    await this.#needCurrent(operation);
    await this.#needLaunchState(operation);
    const { guestRip, eventInjection } = operation;
    const injection = injectionOf(eventInjection);
    if (injection === "notReplayed")
      this.#infer(
        "left out: an event injected at an entry whose instruction length or error code is not in the capture",
        operation,
      );
    await this.#l1.enter([
      ...(guestRip === undefined ? [] : [[GUEST_RIP, guestRip] as const]),
      ...(typeof injection === "bigint" ? [[ENTRY_INTERRUPTION_INFORMATION, injection] as const] : []),
    ]);
  }

  async #exitL1({ reason, qualification, rip, line }: Operation<"exitL1">): Promise<void> {
    await this.#needL1({ line });
    await this.#l1.exit(reason, qualification, rip === undefined ? [] : [[GUEST_RIP, rip]]);
  }

  async #exitL2({ reason, qualification, rip, toL1, line }: Operation<"exitL2">): Promise<void> {
    if (!this.#l1.inL2) {
      this.#infer("L2 runs when the capture (or its next repetition) begins: L1 enters it first", { line });
      await this.#needCurrent({ line });
      await this.#l1.enter();
    }
    const left = { ...(rip === undefined ? {} : { rip }) };
    // An external interrupt is L0's; what the capture shows L1 seeing is one that L0 had for it.
    const inL1 = await this.#l1.exit(reason, qualification, guestStateOf(left), toL1 && reason === EXTERNAL_INTERRUPT);
    if (inL1) await inspect(this.#l1, { ...left, reason }, this.#findings);
    if (toL1 && !inL1) {
      this.#infer(
        "an exit that reached L1 in the capture is one that our L0 handles itself: L2 goes on to L1 by VMCALL",
        { line },
      );
      await this.#l1.callL1();
    }
    if (!toL1 && inL1) {
      this.#infer("an exit that L0 handled in the capture reaches L1 here: L1 resumes L2", { line });
      await this.#l1.enter();
    }
  }

  async #instruction(operation: Operation<"instruction">): Promise<void> {
    await this.#needL1(operation);
    const { instruction, vmptr = this.#vmptr } = operation;
    if (instruction === "vmxon") return await this.#vmxon(operation);
    if (instruction === "vmptrld") return await this.#vmptrld(vmptr, operation);
    await this.#needCurrent(operation);
    switch (instruction) {
      case "vmclear":
        return await this.#l1.clear(vmptr);
      case "vmxoff":
        return await this.#l1.leaveVmxOperation();
      case "vmptrst":
        return await this.#l1.instruction({ op: "vmptrst" });
      case "vmread":
        this.#infer("a VMREAD of L1 reads the guest's RIP: its operands are not in the capture", operation);
        return await this.#l1.instruction({ op: "vmread", field: BigInt(GUEST_RIP) });
      case "vmwrite":
        this.#infer("a VMWRITE of L1 writes the guest's RSP: its operands are not in the capture", operation);
        return await this.#l1.instruction({ op: "vmwrite", field: BigInt(GUEST_RSP), value: BigInt(operation.line) });
    }
  }

  async #vmxon(at: { line: number }): Promise<void> {
    if (this.#l1.vmxon) {
      this.#infer(
        "a VMXON of L1 while it is in VMX operation (by inference or an earlier repetition) follows a VMXOFF",
        at,
      );
      await this.#l1.leaveVmxOperation();
    }
    await this.#l1.enterVmxOperation();
  }

  async #vmptrld(vmptr: number, at: { line: number }): Promise<void> {
    this.#vmptr = vmptr;
    if (this.#l1.isBuilt(vmptr)) await this.#l1.load(vmptr);
    else await this.#needCurrent(at);
  }

  async #needL1(at: { line: number }): Promise<void> {
    if (!this.#l1.inL2) return;
    this.#infer("L2 runs where the capture has L1 running: it leaves by VMCALL", at);
    await this.#l1.callL1();
  }

  /** VMX operation, and `#vmptr` built and current. */
  async #needCurrent(at: { line: number }): Promise<void> {
    if (!this.#l1.vmxon) {
      this.#infer("L1's VMXON was before the capture", at);
      await this.#l1.enterVmxOperation();
    }
    if (!this.#l1.isBuilt(this.#vmptr)) {
      this.#infer("how L1 built a vmcs12 (VMCLEAR, VMPTRLD, VMWRITEs of a valid guest) was before the capture", at);
      await this.#l1.build(this.#vmptr, [[GUEST_RFLAGS, RFLAGS_INTERRUPTS_ON], ...this.#controls]);
    } else if (this.#l1.current !== this.#vmptr) {
      this.#infer("L1's VMPTRLD before it enters another vmcs12 is not in the capture", at);
      await this.#l1.load(this.#vmptr);
    }
  }

  async #needLaunchState({ instruction, vmptr, line }: Operation<"enter">): Promise<void> {
    const launched = this.#l1.isLaunched(vmptr);
    if (instruction === "vmresume" && !launched) {
      this.#infer("the first VMRESUME of a vmcs12 is a VMLAUNCH: its VMLAUNCH was before the capture", { line });
    }
    if (instruction === "vmlaunch" && launched) {
      this.#infer("a VMLAUNCH of a vmcs12 that is launched follows a VMCLEAR that is not in the capture", { line });
      await this.#l1.clear(vmptr);
      await this.#l1.load(vmptr);
    }
  }

  #infer(what: string, { line }: { line: number }): void {
    this.#inferences.note(what, line);
  }
}
