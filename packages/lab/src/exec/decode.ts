/** A line of a program as what it makes a processor or its memory do. */
import type { Instruction } from "@vmcslab/vmx";
import { checkKeys, type Line, type Names, readNumber, show } from "./arguments.js";
import { suggestion } from "./nearest.js";
import { fillInstruction, OPERATIONS, type Operation } from "./operations.js";
import { Problem } from "./usage-error.js";

const PAGE = 4096n;

/** An ordinary store. It is no instruction that VMX operation restricts. */
export interface Store {
  readonly kind: "store";
  readonly cpu: number;
  readonly address: bigint;
  /** The dword; undefined: 4 KiB of zeros. */
  readonly value: number | undefined;
}

/** The instruction has been filled in. */
export interface Execution {
  readonly kind: "execution";
  readonly cpu: number;
  readonly operation: Operation;
}

/** Throws Problem for a line that is no operation of a machine with that many processors. */
export function decode(line: Line, cpus: number, names: Names, instruction: Instruction): Store | Execution {
  const name = line.op;
  if (typeof name !== "string") throw new Problem('an operation needs "op", such as {"cpu":0,"op":"vmxoff"}');
  if (name === "write32" || name === "zero") return decodeStore(line, name, cpus, names);
  const operation = operationNamed(name);
  checkKeys(line, operation.hasMode ? ["cpu", "mode", ...operation.keys] : ["cpu", ...operation.keys]);
  const cpu = cpuOf(line, cpus);
  fillInstruction(instruction, operation, line, names);
  return { kind: "execution", cpu, operation };
}

export function cpuOf(line: Line, cpus: number): number {
  const cpu = Number(readNumber(line, "cpu", 32));
  if (cpu < cpus) return cpu;
  throw new Problem(
    `there is no cpu ${cpu}: the machine has ${cpus}, numbered from 0; {"op":"machine","cpus":${cpu + 1}} makes one with more`,
  );
}

function decodeStore(line: Line, name: "write32" | "zero", cpus: number, names: Names): Store {
  checkKeys(line, name === "write32" ? ["cpu", "addr", "value"] : ["cpu", "addr"]);
  const cpu = cpuOf(line, cpus);
  const address = readNumber(line, "addr", 64, names);
  const value = name === "write32" ? Number(readNumber(line, "value", 32, names)) : undefined;
  if (name === "zero" && address % PAGE !== 0n)
    throw new Problem('"addr" of zero is the address of a 4-KiB page, a multiple of 0x1000');
  return { kind: "store", cpu, address, value };
}

function operationNamed(name: string): Operation {
  const operation = Object.hasOwn(OPERATIONS, name) ? OPERATIONS[name] : undefined;
  if (operation !== undefined) return operation;
  throw new Problem(
    `there is no operation ${show(name)}${suggestion(name, [...Object.keys(OPERATIONS), "write32", "zero", "machine"])}`,
  );
}
