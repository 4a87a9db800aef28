/** Runs a recorded sequence and compares each defined outcome. */
import { Field, type HazardRule, Instruction, Mode, Op, type Processor, Status } from "@vmcslab/vmx";
import { checkKeys, type Line } from "../arguments.js";
import { OperationRunner } from "../executor.js";
import { Machine } from "../machine.js";
import { type ExecResult, resultOf } from "../result.js";
import { Problem } from "../usage-error.js";
import { executeGuestCode, guestCodeAt, REGIONS, recordedNames, regionName } from "./recorded-machine.js";
import { comparableLength, type Sequence } from "./sequence.js";
import { SETUP } from "./setup.js";

/** An outcome as sequences record it. */
export interface RecordedResult extends Omit<ExecResult, "entryFailure"> {
  readonly entryFailure?: boolean;
  /** setup: VMWRITEs that succeeded, and that did not. */
  readonly ok?: number;
  readonly fail?: number;
  /** After the operation: is this processor in VMX operation, and its current VMCS. */
  readonly vmx: boolean;
  readonly cur?: string;
}

export interface Disagreement {
  readonly index: number;
  readonly operation: Line;
  readonly expected: Line;
  readonly actual: RecordedResult;
}

export interface Replay {
  /** Outcomes that were compared. */
  readonly compared: number;
  /** Operations after the first that must not be compared, and that one. */
  readonly skipped: number;
  readonly disagreements: readonly Disagreement[];
}

export function replay(sequence: Sequence): Replay {
  const machine = new RecordedMachine(sequence);
  const length = comparableLength(sequence);
  const disagreements: Disagreement[] = [];
  for (let index = 0; index < length; index++) {
    const operation = sequence.ops[index] ?? {};
    const expected = sequence.results[index] ?? {};
    const actual = machine.run(operation);
    if (!agrees(expected, actual)) disagreements.push({ index, operation, expected, actual });
  }
  return { compared: length, skipped: sequence.ops.length - length, disagreements };
}

const COMPARED = [
  "status",
  "error",
  "vector",
  "errcode",
  "value",
  "reason",
  "qual",
  "entryFailure",
  "ok",
  "fail",
  "vmx",
  "cur",
] as const;

/** Every key that either side has is alike; an absent flag is false. */
export function agrees(expected: Line, actual: RecordedResult): boolean {
  return COMPARED.every((key) => (expected[key] ?? false) === (actual[key] ?? false));
}

/** A machine with regions, macros, and guests that execute their one instruction as soon as they are entered. */
export class RecordedMachine {
  /** The rule that the last operation broke, if any. */
  hazard: HazardRule | undefined = undefined;
  readonly #runner: OperationRunner;
  readonly #instruction = new Instruction();

  constructor({ cpus, model, featureControl }: Pick<Sequence, "cpus" | "model" | "featureControl">) {
    const machine = new Machine({ cpus, model, featureControl });
    for (const region of REGIONS.values()) machine.memory.write32(region, model.revision);
    this.#runner = new OperationRunner(machine, recordedNames(model.revision));
  }

  run(operation: Line): RecordedResult {
    this.hazard = undefined;
    const processor = this.#runner.processorOf(operation);
    const result = operation.op === "setup" ? this.#setup(operation, processor) : this.#execute(operation, processor);
    const current = processor.inVmxOperation ? { cur: regionName(processor.currentVmcs) } : {};
    return { ...result, vmx: processor.inVmxOperation, ...current };
  }

  #execute(operation: Line, processor: Processor): ExecResult {
    const { result, hazard } = this.#runner.run(operation);
    this.hazard = hazard;
    return result.status === "vmentry" ? this.#runGuest(processor) : result;
  }

  #runGuest(processor: Processor): ExecResult {
    const rip = processor.fieldsOf(processor.currentVmcs)?.read(Field.GUEST_RIP) ?? 0n;
    const code = guestCodeAt(rip);
    if (code === undefined)
      throw new Problem(`the guest starts at 0x${rip.toString(16)}, where the recorded program has no code`);
    return resultOf(executeGuestCode(processor, code, this.#instruction));
  }

  /** VMWRITEs until one raises an exception; the status is that of the last. */
  #setup(operation: Line, processor: Processor): ExecResult & { ok: number; fail: number } {
    checkKeys(operation, ["cpu"]);
    const instruction = this.#instruction;
    instruction.op = Op.vmwrite;
    instruction.mode = Mode.kernel64;
    instruction.fieldHigh = 0;
    let ok = 0;
    let result: ExecResult = { status: "succeed" };
    for (const [position, [field, value]] of SETUP.entries()) {
      instruction.field = field;
      instruction.low = Number(value & 0xffff_ffffn);
      instruction.high = Number(value >> 32n);
      const outcome = processor.execute(instruction);
      result = resultOf(outcome);
      if (outcome.status === Status.succeed) ok++;
      else if (outcome.status === Status.exception) return { ...result, ok, fail: position + 1 - ok };
    }
    return { ...result, ok, fail: SETUP.length - ok };
  }
}
