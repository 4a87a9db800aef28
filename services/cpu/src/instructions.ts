import type { EventFact } from "@vmcslab/history";
import { type FieldStore, Instruction, type ModeCode, Op, type OpCode, type Outcome, Status } from "@vmcslab/vmx";
import type { Board } from "./board.js";

export interface Operands {
  readonly mode?: ModeCode;
  readonly movSs?: boolean;
  /** VMXON, VMCLEAR, VMPTRLD: the address. VMWRITE: the value. 64 bits. */
  readonly value?: bigint;
  /** VMREAD, VMWRITE: the encoding. 64 bits. */
  readonly field?: bigint;
  readonly reason?: number;
  readonly qualification?: bigint;
}

/** Instructions that people execute, one by one, on the processor that L0 uses too. They belong to no operation and no activation of L0's: epoch 0. */
export class PeoplesInstructions {
  readonly #board: Board;
  readonly #emit: (fact: EventFact) => void;
  readonly #instruction = new Instruction();

  constructor(board: Board, emit: (fact: EventFact) => void) {
    this.#board = board;
    this.#emit = emit;
  }

  /** The outcome belongs to the processor and is valid until its next instruction. */
  execute(name: "vmptrst" | "vmread" | PublishedName, operands: Operands): Outcome {
    const { processor } = this.#board;
    const region = Number(operands.value ?? 0n);
    const before: Before = {
      active: processor.isActive(region),
      launched: processor.isLaunched(region),
      ...digestOf(name === "vmclear" ? processor.fieldsOf(region) : undefined),
    };
    const running = processor.currentVmcs;
    const outcome = processor.execute(this.#fill(Op[name], operands));
    const facts = this.#factsOf(name, outcome, region, running, before);
    if (facts !== undefined) this.#emit({ ...facts, operation: 0, cpu: this.#board.cpu });
    return outcome;
  }

  #fill(op: OpCode, operands: Operands): Instruction {
    const instruction = this.#instruction;
    instruction.op = op;
    instruction.mode = operands.mode ?? 0;
    instruction.movSs = operands.movSs ?? false;
    instruction.low = lowOf(operands.value);
    instruction.high = highOf(operands.value);
    instruction.field = lowOf(operands.field);
    instruction.fieldHigh = highOf(operands.field);
    instruction.reason = operands.reason ?? 0;
    instruction.qualificationLow = lowOf(operands.qualification);
    instruction.qualificationHigh = highOf(operands.qualification);
    instruction.length = 0;
    instruction.information = 0;
    return instruction;
  }

  /** What happened, if it changed anything. */
  #factsOf(
    name: "vmptrst" | "vmread" | PublishedName,
    outcome: Outcome,
    region: number,
    running: number,
    before: Before,
  ): Fact | undefined {
    const { processor } = this.#board;
    // In non-root operation the instruction is not executed: the guest leaves because of it.
    if (isGuestExit(outcome)) return { kind: "vm.exit", region: running, reason: outcome.reason };
    if (outcome.status !== Status.succeed && outcome.status !== Status.vmentry)
      return failureOf(name, outcome, running);
    switch (name) {
      case "vmxon":
        return { kind: "vmx.on", region };
      case "vmxoff":
        return { kind: "vmx.off" };
      case "vmptrld": {
        const launched = processor.isLaunched(region);
        const digest = digestOf(before.active ? undefined : processor.fieldsOf(region));
        return { kind: "vmcs.load", region, epoch: 0, activated: !before.active, launched, ...digest };
      }
      case "vmclear":
        return { kind: "vmcs.clear", region, epoch: 0, ...before };
      case "vmwrite":
        return { kind: "vmcs.write", region: running, count: 1 };
      case "vmlaunch":
      case "vmresume":
        return { kind: "vm.entry", region: running, instruction: name };
      case "vmexit":
      case "vmread":
      case "vmptrst":
        return undefined;
    }
  }
}

type PublishedName = "vmxon" | "vmxoff" | "vmclear" | "vmptrld" | "vmwrite" | "vmlaunch" | "vmresume" | "vmexit";
type Fact = Omit<EventFact, "operation" | "cpu">;

/** A VMCS before the instruction. `digest`: what a VMCLEAR is about to write to memory. */
interface Before {
  readonly active: boolean;
  readonly launched: boolean;
  readonly digest?: number;
}

function digestOf(fields: FieldStore | undefined): { digest?: number } {
  return fields === undefined ? {} : { digest: fields.digest() };
}

function isGuestExit(outcome: Outcome): boolean {
  return outcome.status === Status.vmexit && !outcome.entryFailure;
}

function failureOf(instruction: string, outcome: Outcome, running: number): Fact {
  const where = running < 0 ? {} : { region: running };
  const fact = { kind: "vm.fail", instruction, ...where } as const;
  switch (outcome.status) {
    case Status.failValid:
      return { ...fact, status: "failValid", error: outcome.error };
    case Status.exception:
      return { ...fact, status: "exception", error: outcome.vector };
    case Status.vmexit:
      return { ...fact, status: "entryFailure", error: outcome.reason };
    default:
      return { ...fact, status: "failInvalid" };
  }
}

function lowOf(value = 0n): number {
  return Number(BigInt.asUintN(32, value));
}

function highOf(value = 0n): number {
  return Number(BigInt.asUintN(32, value >> 32n));
}
