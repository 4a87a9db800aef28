/** The operations of one vcpu. KVM writes kvm_exit first and says with the next events whose exit it was and what became of it. */
import type { CpuMapping } from "./cpu-mapping.js";
import type { ExitPayload, KvmEvent } from "./event.js";
import { isGuestExitReason } from "./exit-reasons.js";
import { leftOutRip, settledInjection } from "./guest-values.js";
import type { Inferences } from "./inferences.js";
import type { PlainInstruction, PlannedOperation, VcpuPlan } from "./plan.js";
import type { CapturedThread } from "./threads.js";
import { Vmcs12Names } from "./vmcs12-names.js";

type Exit = Extract<KvmEvent, { kind: "exit" }>;
type NestedExit = Extract<KvmEvent, { kind: "nestedExit" | "nestedExitInject" }>;
type NestedEnter = Extract<KvmEvent, { kind: "nestedEnter" }>;
/** A planned operation without its place. */
type What = PlannedOperation extends infer T
  ? T extends PlannedOperation
    ? Omit<T, "line" | "atNs" | "cpu">
    : never
  : never;

export interface VcpuPlannerOptions {
  readonly thread: CapturedThread;
  readonly mapping: CpuMapping;
  /** Time of the capture's first event. */
  readonly startNs: bigint | undefined;
  readonly inferences: Inferences;
  /** The capture has kvm_nested_* events; without them, whose exit it is can only be guessed. */
  readonly hasNestedEvents: boolean;
}

const VMLAUNCH = 20;
const VMRESUME = 24;

/** VMX instructions of L1 other than the two that enter, by their exit reason. */
const PLAIN_INSTRUCTIONS: ReadonlyMap<number, PlainInstruction> = new Map([
  [19, "vmclear"],
  [21, "vmptrld"],
  [22, "vmptrst"],
  [23, "vmread"],
  [25, "vmwrite"],
  [26, "vmxoff"],
  [27, "vmxon"],
]);

export class VcpuPlanner {
  readonly #options: VcpuPlannerOptions;
  readonly #names: Vmcs12Names;
  readonly #operations: PlannedOperation[] = [];
  /** kvm_exit of which it is not yet known whose it was. */
  #pending: Exit | undefined;
  /** Index of the last exit of L2, while it may still turn out to reach L1. */
  #undecidedExit: number | undefined;
  /** Index of the last entry into L2, while its checks of the guest state may still fail. */
  #undecidedEntry: number | undefined;
  #level: 1 | 2 | undefined;
  #cpu = 0;

  constructor(options: VcpuPlannerOptions) {
    this.#options = options;
    this.#names = new Vmcs12Names(options.inferences);
  }

  plan(): VcpuPlan {
    for (const event of this.#options.thread.events) this.#take(event);
    this.#settlePending();
    return {
      label: this.#options.thread.label,
      operations: resolveOperands(this.#operations, this.#options.inferences),
    };
  }

  #take(event: KvmEvent): void {
    const undecidedEntry = this.#undecidedEntry;
    this.#undecidedEntry = undefined;
    switch (event.kind) {
      case "exit":
        this.#settlePending();
        this.#undecidedExit = undefined;
        this.#pending = event;
        break;
      case "entry":
        this.#settlePending();
        this.#undecidedExit = undefined;
        break;
      case "nestedExit":
        this.#takeNestedExit(event);
        break;
      case "nestedExitInject":
        this.#takeInjectedExit(event);
        break;
      case "nestedEnter":
        this.#takeNestedEnter(event);
        break;
      case "nestedEnterFailed":
        this.#takeFailedEntry(event, undecidedEntry);
    }
  }

  /** KVM writes kvm_nested_vmenter before it checks the guest state, but after it has checked controls and host state. */
  #takeFailedEntry(event: KvmEvent, announced: number | undefined): void {
    if (isEntryReason(this.#pending?.reason)) this.#pending = undefined;
    this.#settlePending();
    if (announced !== undefined) this.#operations.splice(announced, 1);
    this.#undecidedExit = undefined;
    this.#level = 1;
    this.#infer("left out: a nested entry that failed in the capture; L1 goes on running", event);
  }

  /** The pending kvm_exit was not followed by an event that explains it. */
  #settlePending(): void {
    const exit = this.#pending;
    this.#pending = undefined;
    if (exit === undefined) return;
    if (this.#level !== 2) {
      this.#settleExitL1(exit);
    } else if (this.#options.hasNestedEvents) {
      this.#emitExitL2(exit, exit, false);
    } else {
      this.#infer("without kvm_nested_* events, every exit of L2 is taken to reach L1", exit);
      this.#emitExitL2(exit, exit, true);
      this.#level = 1;
    }
  }

  #settleExitL1(exit: Exit): void {
    this.#level = 1;
    const instruction = PLAIN_INSTRUCTIONS.get(exit.reason ?? -1);
    if (instruction !== undefined) this.#emit(exit, { kind: "instruction", instruction });
    else if (isEntryReason(exit.reason)) this.#settleSilentEntry(exit);
    else if (!isGuestExitReason(exit.reason)) this.#skipReason(exit);
    else this.#emit(exit, { kind: "exitL1", reason: exit.reason, ...this.#detailsOf(exit) });
  }

  /** L1's VMLAUNCH or VMRESUME without a kvm_nested_vmenter after it. */
  #settleSilentEntry(exit: Exit): void {
    if (this.#options.hasNestedEvents) {
      this.#infer(
        "a VMLAUNCH or VMRESUME of L1 that no kvm_nested_vmenter follows did not enter, and is not replayed",
        exit,
      );
      return;
    }
    this.#infer(
      "without kvm_nested_* events, every VMLAUNCH and VMRESUME of L1 is taken to enter one and the same L2",
      exit,
    );
    this.#emit(exit, { kind: "enter", instruction: entryInstruction(exit.reason), vmptr: this.#names.only() });
    this.#level = 2;
  }

  #takeNestedExit(event: NestedExit): void {
    const exit = this.#pending;
    this.#pending = undefined;
    if (exit === undefined) this.#infer("a kvm_nested_vmexit without its kvm_exit is an exit of L2", event);
    this.#level = 2;
    const isPlanned = this.#emitExitL2(exit ?? event, event, false);
    this.#undecidedExit = isPlanned ? this.#operations.length - 1 : undefined;
  }

  /** KVM hands an exit to L1: the exit that L2 just took, or one that KVM makes up (an interrupt that L1 wants to see). */
  #takeInjectedExit(event: NestedExit): void {
    if (this.#pending !== undefined) this.#takeNestedExit({ ...this.#pending, kind: "nestedExit" });
    const index = this.#undecidedExit;
    const exit = index === undefined ? undefined : this.#operations[index];
    if (index !== undefined && exit?.kind === "exitL2") {
      this.#operations[index] = { ...exit, reason: event.reason ?? exit.reason, toL1: true };
    } else {
      this.#infer(
        "an exit that reaches L1 without an exit of L2 before it (L0 made it up, or the capture began in between) is an exit of L2",
        event,
      );
      this.#emitExitL2(event, event, true);
    }
    this.#undecidedExit = undefined;
    this.#level = 1;
  }

  #takeNestedEnter(event: NestedEnter): void {
    const exit = this.#pending;
    this.#pending = undefined;
    const isEntry = exit !== undefined && isEntryReason(exit.reason);
    if (!isEntry) this.#infer("a kvm_nested_vmenter without L1's exit for it is a VMRESUME", event);
    if (exit !== undefined && !isEntry) this.#settleExitL1(exit);
    const injection = settledInjection(event.eventInjection);
    if (injection?.note !== undefined) this.#infer(injection.note, event);
    const guestRip = this.#possibleRip(event.nestedRip, event);
    this.#emit(event, {
      kind: "enter",
      instruction: entryInstruction(isEntry ? exit.reason : VMRESUME),
      vmptr: this.#names.addressOf(event),
      ...(guestRip === undefined ? {} : { guestRip }),
      ...(injection?.value === undefined ? {} : { eventInjection: injection.value }),
    });
    this.#undecidedEntry = this.#operations.length - 1;
    this.#level = 2;
  }

  /** Says whether there is an exit to replay. */
  #emitExitL2(exit: KvmEvent & ExitPayload, at: KvmEvent, toL1: boolean): boolean {
    if (!isGuestExitReason(exit.reason)) {
      this.#skipReason(exit);
      return false;
    }
    this.#emit(at, { kind: "exitL2", reason: exit.reason, ...this.#detailsOf(exit), toL1 });
    return true;
  }

  #detailsOf(exit: KvmEvent & ExitPayload): { qualification: bigint; rip?: bigint } {
    const rip = this.#possibleRip(exit.rip, exit);
    return { qualification: exit.qualification ?? 0n, ...(rip === undefined ? {} : { rip }) };
  }

  #possibleRip(rip: bigint | undefined, event: KvmEvent): bigint | undefined {
    const note = leftOutRip(rip);
    if (note === undefined) return rip;
    this.#infer(note, event);
    return undefined;
  }

  #skipReason(exit: KvmEvent & ExitPayload): void {
    const name = exit.reasonName.slice(0, 40);
    const why = exit.reason === undefined ? "which is no VMX exit reason" : "which is an entry that failed";
    this.#infer(`left out: an exit for ${name}, ${why}`, exit);
  }

  #emit(event: KvmEvent, what: What): void {
    if (event.cpu !== undefined) this.#cpu = this.#options.mapping.get(event.cpu) ?? 0;
    const { startNs } = this.#options;
    const atNs = event.timeNs === undefined || startNs === undefined ? undefined : event.timeNs - startNs;
    this.#operations.push({ line: event.line, cpu: this.#cpu, ...(atNs === undefined ? {} : { atNs }), ...what });
  }

  #infer(what: string, event: KvmEvent): void {
    this.#options.inferences.note(what, event.line);
  }
}

/** VMPTRLD and VMCLEAR trap without their operand: it is taken from the next entry, else from the last. */
function resolveOperands(operations: readonly PlannedOperation[], inferences: Inferences): PlannedOperation[] {
  let vmptr = operations.findLast((operation) => operation.kind === "enter")?.vmptr;
  const resolved = operations.toReversed().map((operation): PlannedOperation => {
    if (operation.kind === "enter") vmptr = operation.vmptr;
    if (operation.kind !== "instruction" || vmptr === undefined) return operation;
    if (operation.instruction !== "vmptrld" && operation.instruction !== "vmclear") return operation;
    inferences.note(
      `a ${operation.instruction.toUpperCase()} of L1 means the vmcs12 that is entered next: its operand is not in the capture`,
      operation.line,
    );
    return { ...operation, vmptr };
  });
  return resolved.reverse();
}

function isEntryReason(reason: number | undefined): boolean {
  return reason === VMLAUNCH || reason === VMRESUME;
}

function entryInstruction(reason: number | undefined): "vmlaunch" | "vmresume" {
  return reason === VMLAUNCH ? "vmlaunch" : "vmresume";
}
