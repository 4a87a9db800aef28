/**
 * What a recorded sequence makes processors do, apart from how they are reached: a generator that demands one step after
 * the other and compares what they lead to. Processors of this process answer at once, those behind a wire when they have.
 */
import { type HazardRule, Instruction } from "@vmcslab/vmx";
import { checkKeys, type Line, type Names } from "../arguments.js";
import { cpuOf, decode } from "../decode.js";
import type { ExecResult } from "../result.js";
import { guestCodeAt, guestInstruction, recordedNames, regionName } from "./recorded-machine.js";
import { comparableLength, type Sequence } from "./sequence.js";
import { SETUP_INSTRUCTIONS } from "./setup.js";

/** One step. All instructions of a run are executed, however each ends. */
export type Demand =
  | { readonly kind: "run"; readonly cpu: number; readonly instructions: readonly Instruction[] }
  | {
      readonly kind: "store";
      readonly cpu: number;
      readonly address: bigint;
      /** The dword; undefined: 4 KiB of zeros. */
      readonly value: number | undefined;
    };

/** Where a step led. */
export interface Reached {
  /** One per instruction; of a store one. */
  readonly results: readonly ExecResult[];
  /** Afterwards, is that processor in VMX operation, and its current VMCS; -1: none. */
  readonly vmx: boolean;
  readonly current: number;
  /** Where the guest starts that the last instruction entered. */
  readonly guestRip?: bigint | undefined;
  readonly hazard?: HazardRule | undefined;
}

export type Script<T> = Generator<Demand, T, Reached>;

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

/** All of a sequence that may be compared. */
export function* replayScript(sequence: Sequence): Script<Replay> {
  const names = recordedNames(sequence.model.revision);
  const length = comparableLength(sequence);
  const disagreements: Disagreement[] = [];
  for (let index = 0; index < length; index++) {
    const operation = sequence.ops[index] ?? {};
    const expected = sequence.results[index] ?? {};
    const actual = yield* operationScript(operation, sequence.cpus, names);
    if (!agrees(expected, actual)) disagreements.push({ index, operation, expected, actual });
  }
  return { compared: length, skipped: sequence.ops.length - length, disagreements };
}

/** One operation. */
export function* operationScript(operation: Line, cpus: number, names: Names): Script<RecordedResult> {
  // Sequences may leave out the number of the only processor.
  const line = operation.cpu === undefined ? { cpu: 0, ...operation } : operation;
  if (line.op === "setup") {
    checkKeys(line, ["cpu"]);
    const reached = yield { kind: "run", cpu: cpuOf(line, cpus), instructions: SETUP_INSTRUCTIONS };
    return recorded(setupResult(reached.results), reached);
  }
  const instruction = new Instruction();
  const decoded = decode(line, cpus, names, instruction);
  if (decoded.kind === "store") return firstOf(yield decoded);
  const { cpu } = decoded;
  const reached = yield { kind: "run", cpu, instructions: [instruction] };
  const code = reached.guestRip === undefined ? undefined : guestCodeAt(reached.guestRip);
  if (code === undefined) return firstOf(reached);
  return firstOf(yield { kind: "run", cpu, instructions: [guestInstruction(code)] });
}

function firstOf(reached: Reached): RecordedResult {
  return recorded(reached.results[0] ?? { status: "succeed" }, reached);
}

function recorded<Result extends ExecResult>(result: Result, { vmx, current }: Reached): RecordedResult {
  return { ...result, vmx, ...(vmx ? { cur: regionName(current) } : {}) };
}

/** VMWRITEs until one raises an exception, after which all would; the status is that of the last. */
function setupResult(results: readonly ExecResult[]): ExecResult & { ok: number; fail: number } {
  const raised = results.findIndex(({ status }) => status === "exception");
  const executed = raised < 0 ? results : results.slice(0, raised + 1);
  const ok = executed.filter(({ status }) => status === "succeed").length;
  return { ...(executed.at(-1) ?? { status: "succeed" }), ok, fail: executed.length - ok };
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

/** Every key that either side has is alike; an absent flag is false, and numbers may be written in any way. */
export function agrees(expected: Line, actual: RecordedResult): boolean {
  return COMPARED.every((key) => comparable(expected[key] ?? false) === comparable(actual[key] ?? false));
}

const NUMBER = /^(?:0x[0-9a-f]+|[0-9]+)$/i;

function comparable(value: unknown): unknown {
  if (typeof value === "string") return NUMBER.test(value) ? BigInt(value) : value;
  return Number.isSafeInteger(value) ? BigInt(Number(value)) : value;
}
