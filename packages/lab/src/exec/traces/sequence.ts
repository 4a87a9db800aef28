/**
 * Recorded sequences: one JSON object per line, with the operations, the outcome of each, and where it must not be
 * compared.
 */
import type { CpuModel } from "@vmcslab/vmx";
import { type Line, readNumber, show } from "../arguments.js";
import { parseLine, readFeatureControl, readModel } from "../executor.js";
import { CPUS_MAX } from "../machine.js";
import { Problem } from "../usage-error.js";

export interface Sequence {
  readonly id: string;
  readonly model: CpuModel;
  readonly cpus: number;
  /** IA32_FEATURE_CONTROL at the start; absent: 5. */
  readonly featureControl?: number | undefined;
  readonly ops: readonly Line[];
  readonly results: readonly Line[];
  /** Operations whose outcome the SDM does not define, with the reason. */
  readonly undefinedAt: ReadonlyMap<number, string>;
  /** Operations in which the recording emulator is known to be wrong. */
  readonly deviatesAt: ReadonlyMap<number, string>;
}

/** Index of the first operation that must not be compared: after it the states may differ for good. */
export function comparableLength(sequence: Sequence): number {
  return Math.min(sequence.ops.length, ...sequence.undefinedAt.keys(), ...sequence.deviatesAt.keys());
}

export function parseSequence(text: string): Sequence {
  const line = parseLine(text);
  const ops = readObjects(line, "ops");
  const results = readObjects(line, "results");
  if (ops.length !== results.length)
    throw new Problem(`"ops" has ${ops.length} elements and "results" ${results.length}`);
  const cpus = line.cpus === undefined ? cpusNamed(ops) : Number(readNumber(line, "cpus", 32));
  if (cpus < 1 || cpus > CPUS_MAX) throw new Problem(`"cpus" is ${cpus}; a machine has 1 to ${CPUS_MAX}`);
  return {
    id: typeof line.id === "string" ? line.id : "unnamed",
    model: readModel(line.model),
    cpus,
    featureControl: readFeatureControl(line),
    ops,
    results,
    undefinedAt: readMarks(line, "undefined"),
    deviatesAt: readMarks(line, "deviates"),
  };
}

/** As many as the operations name, when the sequence does not say how many there are. */
function cpusNamed(ops: readonly Line[]): number {
  return ops.reduce((most, op) => Math.max(most, op.cpu === undefined ? 1 : Number(readNumber(op, "cpu", 32)) + 1), 1);
}

function isObject(value: unknown): value is Line {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function readObjects(line: Line, key: "ops" | "results"): readonly Line[] {
  const value = line[key];
  if (Array.isArray(value) && value.every(isObject)) return value;
  throw new Problem(`a sequence needs "${key}", an array of objects; this line is ${show(line)}`);
}

function readMarks(line: Line, key: "undefined" | "deviates"): ReadonlyMap<number, string> {
  const value = line[key];
  if (value === undefined) return new Map();
  if (!isObject(value)) throw new Problem(`"${key}" is an object from operation index to reason`);
  return new Map(Object.entries(value).map(([index, reason]) => [Number(index), String(reason)]));
}
