import type { EventFact } from "@vmcslab/history";
import { type Instruction, Op, type OpCode, type OpName, type Outcome, type Processor, Status } from "@vmcslab/vmx";

export type Fact = Omit<EventFact, "operation" | "cpu">;

/** What an instruction is about to change. */
export interface Before {
  /** What its operand names, if it names a region. */
  readonly region: number;
  /** The current VMCS; -1 when there is none. */
  readonly running: number;
  readonly vmxOperation: boolean;
  /** Of the VMCS in `region`. */
  readonly active: boolean;
  readonly launched: boolean;
  /** What a VMCLEAR is about to write to memory. */
  readonly digest?: number;
}

/** Instructions whose failure the history tells: those of VMX. */
const VMX_INSTRUCTIONS: ReadonlyMap<OpCode, OpName> = new Map(
  (
    [
      "vmxon",
      "vmxoff",
      "vmclear",
      "vmptrld",
      "vmptrst",
      "vmread",
      "vmwrite",
      "vmlaunch",
      "vmresume",
      "vmcall",
      "vmfunc",
      "invept",
      "invvpid",
      "vmexit",
    ] as const
  ).map((name) => [Op[name], name]),
);

/** What happened, if it changed anything or is a failure that the history tells. */
export function factOf(
  processor: Processor,
  instruction: Instruction,
  outcome: Outcome,
  before: Before,
): Fact | undefined {
  // In non-root operation the instruction is not executed: the guest leaves because of it.
  if (outcome.status === Status.vmexit && !outcome.entryFailure)
    return { kind: "vm.exit", region: before.running, reason: outcome.reason };
  if (outcome.status === Status.succeed || outcome.status === Status.vmentry)
    return successOf(processor, instruction.op, before);
  const name = VMX_INSTRUCTIONS.get(instruction.op);
  return name === undefined ? undefined : failureOf(name, outcome, before.running);
}

function successOf(processor: Processor, op: OpCode, before: Before): Fact | undefined {
  const { region, running } = before;
  switch (op) {
    case Op.vmxon:
      return { kind: "vmx.on", region };
    case Op.vmxoff:
      return { kind: "vmx.off" };
    case Op.reset:
      return before.vmxOperation ? { kind: "vmx.off" } : undefined;
    case Op.vmptrld: {
      const fields = before.active ? undefined : processor.fieldsOf(region);
      const digest = fields === undefined ? {} : { digest: fields.digest() };
      const launched = processor.isLaunched(region);
      return { kind: "vmcs.load", region, epoch: 0, activated: !before.active, launched, ...digest };
    }
    case Op.vmclear: {
      const { active, launched, digest } = before;
      return { kind: "vmcs.clear", region, epoch: 0, active, launched, ...(digest === undefined ? {} : { digest }) };
    }
    case Op.vmwrite:
      return { kind: "vmcs.write", region: running, count: 1 };
    case Op.vmlaunch:
      return { kind: "vm.entry", region: running, instruction: "vmlaunch" };
    case Op.vmresume:
      return { kind: "vm.entry", region: running, instruction: "vmresume" };
    default:
      return undefined;
  }
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
