/** The operations of a program and how their arguments become an instruction. */
import { type Instruction, Mode, Op, type OpCode } from "@vmcslab/vmx";
import { type Line, type Names, readField, readNumber, readNumberOr, readWord, toNumber } from "./arguments.js";
import { Problem } from "./usage-error.js";

export interface Operation {
  readonly op: OpCode;
  /** Right after MOV SS. */
  readonly movSs?: boolean;
  /** Arguments besides `cpu` and `mode`. */
  readonly keys: readonly string[];
  /** `mode` may be given: it is an instruction that software executes. */
  readonly hasMode: boolean;
  fill(instruction: Instruction, line: Line, names: Names): void;
}

const HALF = 32n;
const low = (value: bigint): number => Number(value & 0xffff_ffffn);
const high = (value: bigint): number => Number(value >> HALF);

function setValue(instruction: Instruction, value: bigint): void {
  instruction.low = low(value);
  instruction.high = high(value);
}

function setField(instruction: Instruction, value: bigint): void {
  instruction.field = low(value);
  instruction.fieldHigh = high(value);
}

const nothing = (): void => undefined;

const plain = (op: OpCode): Operation => ({ op, keys: [], hasMode: true, fill: nothing });
const afterMovSs = (op: OpCode): Operation => ({ op, movSs: true, keys: [], hasMode: true, fill: nothing });

const onAddress = (op: OpCode): Operation => ({
  op,
  keys: ["addr"],
  hasMode: true,
  fill: (instruction, line, names) => setValue(instruction, readNumber(line, "addr", 64, names)),
});

/** A mask of control-register bits; the VMFUNC number. */
const onValue = (op: OpCode, bits: 32 | 64): Operation => ({
  op,
  keys: ["value"],
  hasMode: true,
  fill: (instruction, line, names) => setValue(instruction, readNumber(line, "value", bits, names)),
});

const onDescriptor = (op: OpCode): Operation => ({
  op,
  keys: ["type", "desc"],
  hasMode: true,
  fill: (instruction, line, names) => {
    setField(instruction, readNumber(line, "type", 64));
    const [first, second] = readDescriptor(line, names);
    instruction.descriptor0Low = low(first);
    instruction.descriptor0High = high(first);
    instruction.descriptor1Low = low(second);
    instruction.descriptor1High = high(second);
  },
});

function readDescriptor(line: Line, names: Names): [bigint, bigint] {
  const value = line.desc;
  if (!Array.isArray(value) || value.length !== 2) {
    throw new Problem('"desc" is the 128-bit descriptor as [low, high], such as ["0x1e", "0x0"]');
  }
  const half = (index: number): bigint => toNumber(value[index], `"desc"[${index}]`, "desc", 64, names);
  return [half(0), half(1)];
}

const VECTOR_MAX = 255n;

/** What arrives from outside with a vector. */
const onVector = (op: OpCode): Operation => ({
  op,
  keys: ["vector"],
  hasMode: false,
  fill: (instruction, line) => {
    const vector = readNumberOr(line, "vector", 16, 0n);
    if (vector > VECTOR_MAX) throw new Problem('"vector" is an interrupt vector, 0 to 255');
    setValue(instruction, vector);
  },
});

const FORMS = ["reg", "mem"] as const;

/** By name. `machine`, `write32` and `zero` are not here: no processor executes them as VMX instructions. */
export const OPERATIONS: Readonly<Record<string, Operation>> = {
  vmxon: onAddress(Op.vmxon),
  vmclear: onAddress(Op.vmclear),
  vmptrld: onAddress(Op.vmptrld),
  vmxoff: plain(Op.vmxoff),
  vmptrst: plain(Op.vmptrst),
  vmlaunch: plain(Op.vmlaunch),
  vmresume: plain(Op.vmresume),
  vmlaunch_movss: afterMovSs(Op.vmlaunch),
  vmresume_movss: afterMovSs(Op.vmresume),
  vmcall: plain(Op.vmcall),
  vmread: {
    op: Op.vmread,
    keys: ["field", "form"],
    hasMode: true,
    fill: (instruction, line) => {
      readWord(line, "form", FORMS);
      setField(instruction, readField(line));
    },
  },
  vmwrite: {
    op: Op.vmwrite,
    keys: ["field", "value", "form"],
    hasMode: true,
    fill: (instruction, line, names) => {
      readWord(line, "form", FORMS);
      setField(instruction, readField(line));
      setValue(instruction, readNumber(line, "value", 64, names));
    },
  },
  invept: onDescriptor(Op.invept),
  invvpid: onDescriptor(Op.invvpid),
  vmfunc: onValue(Op.vmfunc, 32),
  cr0_set: onValue(Op.cr0Set, 64),
  cr0_clr: onValue(Op.cr0Clear, 64),
  cr4_set: onValue(Op.cr4Set, 64),
  cr4_clr: onValue(Op.cr4Clear, 64),
  rdmsr: {
    op: Op.rdmsr,
    keys: ["msr"],
    hasMode: true,
    fill: (instruction, line) => setField(instruction, readNumber(line, "msr", 32)),
  },
  wrmsr: {
    op: Op.wrmsr,
    keys: ["msr", "value"],
    hasMode: true,
    fill: (instruction, line, names) => {
      setField(instruction, readNumber(line, "msr", 32));
      setValue(instruction, readNumber(line, "value", 64, names));
    },
  },
  vmexit: {
    op: Op.vmexit,
    keys: ["reason", "qualification"],
    hasMode: false,
    fill: (instruction, line) => {
      instruction.reason = low(readNumber(line, "reason", 16));
      const qualification = readNumberOr(line, "qualification", 64, 0n);
      instruction.qualificationLow = low(qualification);
      instruction.qualificationHigh = high(qualification);
    },
  },
  interrupt: onVector(Op.interrupt),
  sipi: onVector(Op.sipi),
  init: { op: Op.init, keys: [], hasMode: false, fill: nothing },
  reset: { op: Op.reset, keys: [], hasMode: false, fill: nothing },
};

const MODES = { user: Mode.user64, compat: Mode.compatibility } as const;
const MODE_NAMES = ["user", "compat"] as const;

/** Bytes of the VMX instructions in their register forms; what VM exit reports as instruction length. */
const INSTRUCTION_BYTES = 3;

/** Fills every operand that the operation has, and clears the rest. */
export function fillInstruction(instruction: Instruction, operation: Operation, line: Line, names: Names): void {
  instruction.op = operation.op;
  instruction.movSs = operation.movSs === true;
  const mode = operation.hasMode ? readWord(line, "mode", MODE_NAMES) : undefined;
  instruction.mode = mode === undefined ? Mode.kernel64 : MODES[mode];
  instruction.field = 0;
  instruction.fieldHigh = 0;
  instruction.low = 0;
  instruction.high = 0;
  instruction.qualificationLow = 0;
  instruction.qualificationHigh = 0;
  instruction.length = operation.hasMode ? INSTRUCTION_BYTES : 0;
  operation.fill(instruction, line, names);
}
