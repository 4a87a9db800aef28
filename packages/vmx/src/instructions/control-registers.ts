/**
 * MOV to CR0 and CR4 with some bits set or cleared, as far as VMX operation restricts them: SDM 23.8, and 25.1.3 in
 * non-root operation.
 */
import type { CpuModel } from "../cpu-model.js";
import { ExitReason } from "../exit-reasons.js";
import { Field } from "../field-encodings.js";
import { fieldIndex } from "../fields.js";
import { type Instruction, Mode, Op } from "../instruction.js";
import { type ProcessorState, VmxMode } from "../processor-state.js";
import { generalProtection, invalidOpcode, succeed } from "../results.js";
import { exitFromGuest } from "../vm-exit.js";

export const CR0_PE = 1;
export const CR0_ET = 1 << 4;
export const CR0_NE = 1 << 5;
export const CR0_WP = 1 << 16;
export const CR0_NW = 1 << 29;
export const CR0_CD = 1 << 30;
export const CR0_PG = 0x80000000;
export const CR4_PAE = 1 << 5;
export const CR4_VMXE = 1 << 13;
export const CR4_PCIDE = 1 << 17;
export const CR4_CET = 1 << 23;

/** PE, MP, EM, TS, ET, NE, WP, AM, NW, CD, PG; writes to the others are ignored. */
const CR0_DEFINED = 0xe005003f;

/** CR0 and CR4 are inside IA32_VMX_CR0_FIXED0/1 and CR4_FIXED0/1 (SDM A.7, A.8). */
export function hasFixedBits(model: CpuModel, cr0: number, cr4: number): boolean {
  return isWithin(cr0, model.cr0Fixed0, model.cr0Fixed1) && isWithin(cr4, model.cr4Fixed0, model.cr4Fixed1);
}

/** Every bit of `mustBeOne` is 1 in `value`, every bit outside `mayBeOne` is 0. */
export function isWithin(value: number, mustBeOne: number, mayBeOne: number): boolean {
  return (mustBeOne & ~value) === 0 && (value & ~mayBeOne) === 0;
}

interface ControlRegister {
  readonly number: 0 | 4;
  readonly guest: number;
  readonly mask: number;
  readonly shadow: number;
  /** Bits 31:0 of a value as the register takes it; undefined when a MOV of it is #GP(0). */
  accept(cpu: ProcessorState, value: number): number | undefined;
}

const CR0: ControlRegister = {
  number: 0,
  guest: fieldIndex(Field.GUEST_CR0),
  mask: fieldIndex(Field.CR0_GUEST_HOST_MASK),
  shadow: fieldIndex(Field.CR0_READ_SHADOW),
  accept(cpu, value) {
    const next = ((value & CR0_DEFINED) | CR0_ET) >>> 0;
    // In 64-bit mode neither protection nor paging can go.
    if ((next & CR0_PE) === 0 || (next & CR0_PG) === 0) return undefined;
    if ((next & CR0_NW) !== 0 && (next & CR0_CD) === 0) return undefined;
    if (cpu.mode !== VmxMode.off && !isWithin(next, cpu.model.cr0Fixed0, cpu.model.cr0Fixed1)) return undefined;
    return next;
  },
};

const CR4: ControlRegister = {
  number: 4,
  guest: fieldIndex(Field.GUEST_CR4),
  mask: fieldIndex(Field.CR4_GUEST_HOST_MASK),
  shadow: fieldIndex(Field.CR4_READ_SHADOW),
  accept(cpu, value) {
    if ((value & ~cpu.model.cr4Fixed1) !== 0 || (value & CR4_PAE) === 0) return undefined;
    if (cpu.mode !== VmxMode.off && (cpu.model.cr4Fixed0 & ~value) !== 0) return undefined;
    return value >>> 0;
  },
};

/** Op.cr0Set, cr0Clear, cr4Set, cr4Clear. */
export function moveToControlRegister(cpu: ProcessorState, instruction: Instruction): void {
  const register = instruction.op === Op.cr0Set || instruction.op === Op.cr0Clear ? CR0 : CR4;
  const sets = instruction.op === Op.cr0Set || instruction.op === Op.cr4Set;
  if (instruction.mode === Mode.user64) generalProtection(cpu);
  else if (cpu.mode === VmxMode.nonRoot) moveInGuest(cpu, instruction, register, sets);
  else moveInRoot(cpu, instruction, register, sets);
}

function changed(value: number, instruction: Instruction, sets: boolean): number {
  return sets ? (value | instruction.low) >>> 0 : (value & ~instruction.low) >>> 0;
}

function moveInRoot(cpu: ProcessorState, instruction: Instruction, register: ControlRegister, sets: boolean): void {
  const before = register.number === 0 ? cpu.cr0 : cpu.cr4;
  const next = sets && instruction.high !== 0 ? undefined : register.accept(cpu, changed(before, instruction, sets));
  if (next === undefined) {
    generalProtection(cpu);
    return;
  }
  if (register.number === 0) cpu.cr0 = next;
  else cpu.cr4 = next;
  succeed(cpu);
}

/** The guest sees the read shadow where the mask is 1, and exits when it tries to change such a bit. */
function moveInGuest(cpu: ProcessorState, instruction: Instruction, register: ControlRegister, sets: boolean): void {
  const current = cpu.current;
  if (current === undefined) {
    invalidOpcode(cpu);
    return;
  }
  const { low } = current.fields;
  const mask = low[register.mask] ?? 0;
  const shadow = low[register.shadow] ?? 0;
  const real = low[register.guest] ?? 0;
  const wanted = changed((real & ~mask) | (shadow & mask), instruction, sets);
  if (((wanted ^ shadow) & mask) !== 0) {
    exitFromGuest(cpu, ExitReason.controlRegisterAccess, register.number, 0);
    return;
  }
  const next = register.accept(cpu, ((wanted & ~mask) | (real & mask)) >>> 0);
  if (next === undefined) {
    generalProtection(cpu);
    return;
  }
  current.store(register.guest, next, 0);
  succeed(cpu);
}
