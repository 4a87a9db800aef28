/**
 * Executes a program of VMX instructions, one JSON line after the other. No input or output: give it lines, take the
 * answers.
 */
import { CPU_MODELS, type CpuModel, cpuModelNamed, DEFAULT_CPU_MODEL, Instruction, Op } from "@vmcslab/vmx";
import { checkKeys, type Line, noNames, readNumber, show } from "./arguments.js";
import { decode } from "./decode.js";
import { CPUS_MAX, Machine } from "./machine.js";
import { suggestion } from "./nearest.js";
import type { Operation } from "./operations.js";
import { type ExecAnswer, SUCCEED } from "./result.js";
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

/** The model that a program gets when it names none. */
export function defaultModel(): CpuModel {
  const model = cpuModelNamed(DEFAULT_CPU_MODEL);
  if (model === undefined) throw new TypeError(DEFAULT_CPU_MODEL);
  return model;
}

class ProgramExecutor implements Executor {
  lines = 0;
  readonly #instruction = new Instruction();
  #machine = new Machine({ cpus: 1, model: defaultModel() });

  line(text: string): ExecAnswer | "blank" {
    this.lines++;
    if (text.trim() === "") return "blank";
    try {
      const line = parseLine(text);
      if (line.op !== "machine") return this.#perform(line);
      this.#machine = readMachine(line);
      return { result: SUCCEED };
    } catch (error) {
      if (error instanceof Problem) throw new ExecUsageError(this.lines, error.message);
      throw error;
    }
  }

  #perform(line: Line): ExecAnswer {
    const machine = this.#machine;
    const decoded = decode(line, machine.processors.length, noNames, this.#instruction);
    if (decoded.kind === "store") return machine.store(decoded.address, decoded.value);
    return answerTo(decoded.operation, machine.execute(decoded.cpu, this.#instruction));
  }
}

/** The guest leaving is what the program asked for: it succeeds. */
function answerTo({ op }: Operation, answer: ExecAnswer): ExecAnswer {
  return op === Op.vmexit && answer.result.status === "vmexit" ? { ...answer, result: SUCCEED } : answer;
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
