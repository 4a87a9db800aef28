/**
 * Executes a program of VMX instructions, one JSON line after the other. No input or output: give it lines, take the
 * answers.
 */
import {
  CPU_MODELS,
  type CpuModel,
  cpuModelNamed,
  DEFAULT_CPU_MODEL,
  HAZARD_RULES,
  Hazard,
  Instruction,
  Op,
  type Processor,
  storeHazard,
} from "@vmcslab/vmx";
import { checkKeys, type Line, type Names, noNames, readNumber, show } from "./arguments.js";
import { CPUS_MAX, Machine } from "./machine.js";
import { suggestion } from "./nearest.js";
import { fillInstruction, OPERATIONS, type Operation } from "./operations.js";
import { type ExecAnswer, type ExecResult, resultOf, SUCCEED } from "./result.js";
import { ExecUsageError, Problem } from "./usage-error.js";

export interface Executor {
  /**
   * Executes one line. A blank line is answered with "blank". Throws ExecUsageError for a line that is not an
   * operation; nothing has changed then.
   */
  line(text: string): ExecAnswer | "blank";
  /** Lines taken so far. */
  readonly lines: number;
}

export function createExecutor(): Executor {
  return new ProgramExecutor();
}

const PAGE = 4096n;

/** The model that a program gets when it names none. */
export function defaultModel(): CpuModel {
  const model = cpuModelNamed(DEFAULT_CPU_MODEL);
  if (model === undefined) throw new TypeError(DEFAULT_CPU_MODEL);
  return model;
}

class ProgramExecutor implements Executor {
  lines = 0;
  #runner = new OperationRunner(new Machine({ cpus: 1, model: defaultModel() }));

  line(text: string): ExecAnswer | "blank" {
    this.lines++;
    if (text.trim() === "") return "blank";
    try {
      const line = parseLine(text);
      if (line.op !== "machine") return this.#runner.run(line);
      this.#runner = new OperationRunner(readMachine(line));
      return { result: SUCCEED };
    } catch (error) {
      if (error instanceof Problem) throw new ExecUsageError(this.lines, error.message);
      throw error;
    }
  }
}

/** Runs operations on one machine. */
export class OperationRunner {
  readonly machine: Machine;
  readonly #names: Names;
  readonly #instruction = new Instruction();

  constructor(machine: Machine, names: Names = noNames) {
    this.machine = machine;
    this.#names = names;
  }

  run(line: Line): ExecAnswer {
    const name = line.op;
    if (typeof name !== "string") throw new Problem('an operation needs "op", such as {"cpu":0,"op":"vmxoff"}');
    if (name === "write32" || name === "zero") return this.#store(line, name);
    const operation = operationNamed(name);
    checkKeys(line, operation.hasMode ? ["cpu", "mode", ...operation.keys] : ["cpu", ...operation.keys]);
    const processor = this.processorOf(line);
    fillInstruction(this.#instruction, operation, line, this.#names);
    const outcome = processor.execute(this.#instruction);
    return withHazard(leftGuest(operation, processor, resultOf(outcome)), outcome.hazard);
  }

  processorOf(line: Line): Processor {
    const cpu = Number(readNumber(line, "cpu", 32));
    const processor = this.machine.processors[cpu];
    if (processor !== undefined) return processor;
    const { length } = this.machine.processors;
    throw new Problem(
      `there is no cpu ${cpu}: the machine has ${length}, numbered from 0; {"op":"machine","cpus":${cpu + 1}} makes one with more`,
    );
  }

  /** Ordinary stores. They are not instructions that VMX operation restricts. */
  #store(line: Line, name: "write32" | "zero"): ExecAnswer {
    checkKeys(line, name === "write32" ? ["cpu", "addr", "value"] : ["cpu", "addr"]);
    this.processorOf(line);
    const address = readNumber(line, "addr", 64, this.#names);
    const value = name === "write32" ? Number(readNumber(line, "value", 32, this.#names)) : 0;
    if (name === "zero" && address % PAGE !== 0n)
      throw new Problem('"addr" of zero is the address of a 4-KiB page, a multiple of 0x1000');
    const { memory } = this.machine;
    if (address >= BigInt(memory.bytes)) return { result: SUCCEED };
    const hazard = storeHazard(memory, Number(address));
    if (name === "zero") memory.zeroPage(Number(address));
    else memory.write32(Number(address), value);
    return withHazard(SUCCEED, hazard);
  }
}

/** The guest leaving is what the program asked for: it succeeds. */
function leftGuest(operation: Operation, processor: Processor, result: ExecResult): ExecResult {
  return operation.op === Op.vmexit && result.status === "vmexit" && !processor.nonRoot ? SUCCEED : result;
}

function withHazard(result: ExecResult, hazard: number): ExecAnswer {
  const rule = hazard === Hazard.none ? undefined : HAZARD_RULES[hazard];
  return rule === undefined ? { result } : { result, hazard: rule };
}

function operationNamed(name: string): Operation {
  const operation = Object.hasOwn(OPERATIONS, name) ? OPERATIONS[name] : undefined;
  if (operation !== undefined) return operation;
  throw new Problem(
    `there is no operation ${show(name)}${suggestion(name, [...Object.keys(OPERATIONS), "write32", "zero", "machine"])}`,
  );
}

function isObject(value: unknown): value is Line {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The parser quotes the line, which may hold anything; a terminal must not see all of it. */
const NOT_PRINTABLE = /[^\x20-\x7e]/g;

/** A line of JSON that holds an object. */
export function parseLine(text: string): Line {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(NOT_PRINTABLE, "?") : "unreadable";
    throw new Problem(`not JSON (${reason}); write one object per line, such as {"cpu":0,"op":"vmxoff"}`);
  }
  if (isObject(value)) return value;
  throw new Problem(`${show(value)} is not an operation; write one object per line, such as {"cpu":0,"op":"vmxoff"}`);
}

const MACHINE_KEYS = ["cpus", "cpuModel", "featureControl"] as const;

/** `{"op":"machine"}`: a fresh one. */
function readMachine(line: Line): Machine {
  checkKeys(line, MACHINE_KEYS);
  const cpus = line.cpus === undefined ? 1 : Number(readNumber(line, "cpus", 32));
  if (cpus < 1 || cpus > CPUS_MAX) throw new Problem(`"cpus" is ${cpus}; a machine has 1 to ${CPUS_MAX}`);
  return new Machine({ cpus, model: readModel(line.cpuModel), featureControl: readFeatureControl(line) });
}

export function readModel(name: unknown): CpuModel {
  if (name === undefined) return defaultModel();
  const model = typeof name === "string" ? cpuModelNamed(name) : undefined;
  if (model !== undefined) return model;
  const names = Object.keys(CPU_MODELS);
  throw new Problem(
    `there is no CPU model ${show(name)}${suggestion(String(name), names) || `; there are ${names.join(", ")}`}`,
  );
}

/** A value of IA32_FEATURE_CONTROL; "unlocked" is 0. Absent: locked, VMX allowed outside SMX. */
export function readFeatureControl(line: Line): number | undefined {
  if (line.featureControl === undefined) return undefined;
  if (line.featureControl === "unlocked") return 0;
  return Number(readNumber(line, "featureControl", 32));
}
