import { ExitReason, Field } from "@vmcslab/vmx";
import type { L1Instruction, L1Outcome } from "../api.js";
import { fail, type Steps } from "../effect.js";
import { FieldValuesBuilder } from "../field-values.js";
import { ensureRunning, enterGuest, loadVmcs } from "../host/load.js";
import { advancedRip } from "../host/script.js";
import type { Task } from "../host/task.js";
import type { Vm } from "../host/vcpu.js";
import { nestedRun } from "../nested/run.js";
import { SUCCEED } from "./vmcs12.js";
import { vmclear, vmptrld, vmptrst, vmread, vmwrite, vmxoff, vmxon } from "./vmx-instructions.js";

/** A VMX instruction with a memory operand and no displacement, in 64-bit mode: 4 bytes at most (0F C7 /6 with prefix). */
const INSTRUCTION_BYTES = 4n;

const U64_MAX = 0xffff_ffff_ffff_ffffn;

/** One batch stays below this many instructions; a longer run of L1's is split. */
const BATCH_INSTRUCTIONS_MAX = 256;

/**
 * Runs L1's instructions one after another. Each is a VM exit of L1, its emulation and a VM entry; those that need nothing from another
 * CPU share one round trip. Stops after an instruction that left L1: it succeeded in entering L2.
 */
export function* runL1(task: Task, instructions: readonly L1Instruction[]): Steps<L1Outcome[]> {
  instructions.forEach(checkOperands);
  const outcomes: L1Outcome[] = [];
  for (const instruction of instructions) {
    if (task.script.instructions.length > BATCH_INSTRUCTIONS_MAX) yield* task.flush();
    const outcome = yield* runOne(task, instruction);
    outcomes.push(outcome);
    if (outcome.status === "l2") break;
  }
  yield* task.flush();
  return outcomes;
}

/** Operands are unsigned 64-bit numbers; whoever gives others is refused before anything happens. */
function checkOperands(instruction: L1Instruction, index: number): void {
  if ("addr" in instruction) checkOperand(instruction, index, "addr", instruction.addr);
  if ("field" in instruction) checkOperand(instruction, index, "field", instruction.field);
  if (instruction.op === "vmwrite") checkOperand(instruction, index, "value", instruction.value);
}

function checkOperand({ op }: L1Instruction, index: number, name: string, value: bigint): void {
  if (value >= 0n && value <= U64_MAX) return;
  fail("invalidArgument", `instruction ${index}, ${op}: ${name} is not an unsigned 64-bit number`);
}

function* runOne(task: Task, instruction: L1Instruction): Steps<L1Outcome> {
  if (instruction.op === "write32" || instruction.op === "zero") return store(task.vcpu.vm, instruction);
  return yield* trapOne(task, instruction);
}

/** An ordinary store by L1. Where its memory ends nothing answers, and the store is lost. */
function store(vm: Vm, instruction: Extract<L1Instruction, { op: "write32" | "zero" }>): L1Outcome {
  if (instruction.addr >= BigInt(vm.memoryBytes)) return SUCCEED;
  const address = Number(instruction.addr);
  if (instruction.op === "zero") vm.memory.zeroPage(address);
  else vm.memory.write32(address, instruction.value >>> 0);
  return SUCCEED;
}

type VmxInstruction = Exclude<L1Instruction, { op: "write32" | "zero" }>;

function* trapOne(task: Task, instruction: VmxInstruction): Steps<L1Outcome> {
  const { vcpu, host, operation } = task;
  yield* ensureRunning(task, "run L1");
  task.script.guestExit(vcpu.vmcs01, { reason: ExitReason[instruction.op], qualification: 0n, guest: [] });
  const outcome = yield* emulate(task, instruction);
  const error = outcome.error ?? outcome.vector ?? outcome.reason;
  host.emit({
    kind: "l1.instruction",
    operation,
    vcpu: vcpu.id,
    instruction: instruction.op,
    status: outcome.status,
    ...(error === undefined ? {} : { error }),
  });
  if (outcome.status !== "l2") yield* backToL1(task, outcome);
  return outcome;
}

function* emulate(task: Task, instruction: VmxInstruction): Steps<L1Outcome> {
  switch (instruction.op) {
    case "vmxon":
      return vmxon(task, instruction);
    case "vmxoff":
      return yield* vmxoff(task, instruction.user === true);
    case "vmclear":
      return yield* vmclear(task, instruction);
    case "vmptrld":
      return vmptrld(task, instruction);
    case "vmptrst":
      return vmptrst(task, instruction.user === true);
    case "vmread":
      return vmread(task, instruction);
    case "vmwrite":
      return vmwrite(task, instruction);
    case "vmlaunch":
    case "vmresume":
      return yield* nestedRun(task, instruction);
  }
}

/** L1 goes on: behind the instruction with its flags set, at its handler for an exception, or where its vmcs12 says after a failed entry. */
function* backToL1(task: Task, outcome: L1Outcome): Steps<void> {
  const { vcpu, cpu } = task;
  // The handler may have had another VMCS current, to initialise or enter it.
  if (cpu.current !== vcpu.vmcs01) yield* loadVmcs(task, vcpu.vmcs01, "run L1");
  task.script.write(vcpu.vmcs01, resultFields(task, outcome));
  enterGuest(task, vcpu.vmcs01);
}

const FLAGS_FIXED = 0x2n;
const FLAG_CF = 0x1n;
const FLAG_ZF = 0x40n;
/** VM-entry interruption information: valid, hardware exception, and for #GP an error code (SDM 24.8.3). */
const INJECT_EXCEPTION = 0x8000_0300n;
const INJECT_ERROR_CODE = 0x800n;
const GENERAL_PROTECTION_VECTOR = 13;

function resultFields({ vcpu }: Task, outcome: L1Outcome): FieldValuesBuilder {
  const fields = new FieldValuesBuilder();
  if (outcome.status === "vmexit") return fields;
  if (outcome.status === "exception") {
    const vector = outcome.vector ?? 0;
    const errorCode = vector === GENERAL_PROTECTION_VECTOR ? INJECT_ERROR_CODE : 0n;
    return fields
      .add(Field.VM_ENTRY_INTR_INFO_FIELD, INJECT_EXCEPTION | errorCode | BigInt(vector))
      .add(Field.VM_ENTRY_EXCEPTION_ERROR_CODE, 0n);
  }
  const flags = outcome.status === "failInvalid" ? FLAG_CF : outcome.status === "failValid" ? FLAG_ZF : 0n;
  return fields
    .add(Field.GUEST_RIP, advancedRip(vcpu.vmcs01.known, INSTRUCTION_BYTES))
    .add(Field.GUEST_RFLAGS, FLAGS_FIXED | flags);
}
