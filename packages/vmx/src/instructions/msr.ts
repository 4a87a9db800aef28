/**
 * RDMSR and WRMSR of the MSRs that concern VMX: IA32_FEATURE_CONTROL (SDM 23.7) and the capability MSRs (SDM appendix
 * A).
 */
import { PrimaryControl } from "../control-bits.js";
import { ExitReason } from "../exit-reasons.js";
import { Field } from "../field-encodings.js";
import { fieldIndex } from "../fields.js";
import { type Instruction, Mode } from "../instruction.js";
import { FeatureControl, type ProcessorState, regionOf, VmxMode } from "../processor-state.js";
import { generalProtection, succeed, succeedWith } from "../results.js";
import { exitForInstruction } from "../vm-exit.js";

const IA32_FEATURE_CONTROL = 0x3a;
const FEATURE_CONTROL_DEFINED = FeatureControl.lock | FeatureControl.vmxInSmx | FeatureControl.vmxOutsideSmx;

const PRIMARY = fieldIndex(Field.CPU_BASED_VM_EXEC_CONTROL);
const MSR_BITMAP = fieldIndex(Field.MSR_BITMAP);
/** The MSR bitmaps, 1 KiB each: reads of low MSRs, of high MSRs, writes of low, of high (SDM 24.6.9). */
const BITMAP_BYTES = 0x400;
const HIGH_MSRS = 0xc0000000;
const BITMAP_MSRS = 0x2000;

export function rdmsr(cpu: ProcessorState, instruction: Instruction): void {
  if (instruction.mode === Mode.user64) generalProtection(cpu);
  else if (intercepts(cpu, instruction.field, 0)) exitForInstruction(cpu, instruction, ExitReason.rdmsr);
  else readMsr(cpu, instruction.field);
}

function readMsr(cpu: ProcessorState, msr: number): void {
  if (msr === IA32_FEATURE_CONTROL) {
    succeedWith(cpu, cpu.featureControl, 0);
    return;
  }
  const value = cpu.model.msrs.get(msr);
  if (value === undefined) generalProtection(cpu);
  else succeedWith(cpu, Number(value & 0xffffffffn), Number(value >> 32n));
}

export function wrmsr(cpu: ProcessorState, instruction: Instruction): void {
  if (instruction.mode === Mode.user64) generalProtection(cpu);
  else if (intercepts(cpu, instruction.field, 2)) exitForInstruction(cpu, instruction, ExitReason.wrmsr);
  else writeMsr(cpu, instruction);
}

/** The capability MSRs are read-only; IA32_FEATURE_CONTROL is until RESET once it is locked. */
function writeMsr(cpu: ProcessorState, instruction: Instruction): void {
  const { field, low, high } = instruction;
  const locked = (cpu.featureControl & FeatureControl.lock) !== 0;
  if (field !== IA32_FEATURE_CONTROL || locked || high !== 0 || (low & ~FEATURE_CONTROL_DEFINED) !== 0) {
    generalProtection(cpu);
    return;
  }
  cpu.featureControl = low;
  succeed(cpu);
}

/** A guest's access exits (SDM 25.1.3). `firstBitmap`: 0 for reads, 2 for writes. */
function intercepts(cpu: ProcessorState, msr: number, firstBitmap: 0 | 2): boolean {
  const fields = cpu.mode === VmxMode.nonRoot ? cpu.current?.fields : undefined;
  if (fields === undefined) return false;
  if (((fields.low[PRIMARY] ?? 0) & PrimaryControl.useMsrBitmaps) === 0) return true;
  const isHigh = msr >= HIGH_MSRS;
  const bit = isHigh ? msr - HIGH_MSRS : msr;
  if (bit >= BITMAP_MSRS) return true;
  const bitmap = firstBitmap + (isHigh ? 1 : 0);
  const base = regionOf(fields.low[MSR_BITMAP] ?? 0, fields.high[MSR_BITMAP] ?? 0) + bitmap * BITMAP_BYTES;
  return ((cpu.memory.read32(base + (bit >>> 5) * 4) >>> (bit & 31)) & 1) === 1;
}
