/**
 * VMCS shadowing: SDM 24.10 and 25.1.3. VMREAD and VMWRITE in non-root operation act on the VMCS that the link pointer
 * names, unless a bitmap says no.
 */

import { PrimaryControl, SecondaryControl } from "./control-bits.js";
import { ExitReason } from "./exit-reasons.js";
import { Field } from "./field-encodings.js";
import type { FieldStore } from "./field-store.js";
import { fieldIndex } from "./fields.js";
import type { Instruction } from "./instruction.js";
import { activate } from "./instructions/vmclear-vmptrld-vmptrst.js";
import { type ProcessorState, regionOf } from "./processor-state.js";
import type { CachedVmcs } from "./vmcs-cache.js";

const PRIMARY = fieldIndex(Field.CPU_BASED_VM_EXEC_CONTROL);
const SECONDARY = fieldIndex(Field.SECONDARY_VM_EXEC_CONTROL);
const VMREAD_BITMAP = fieldIndex(Field.VMREAD_BITMAP);
const VMWRITE_BITMAP = fieldIndex(Field.VMWRITE_BITMAP);
const LINK_POINTER = fieldIndex(Field.VMCS_LINK_POINTER);
const ALL_ONES = 0xffffffff;
/** Encodings that the bitmaps cover: bits 14:0. */
const BITMAP_ENCODINGS = 0x8000;

export function usesShadowing(fields: FieldStore): boolean {
  const primary = fields.low[PRIMARY] ?? 0;
  const secondary = fields.low[SECONDARY] ?? 0;
  return (primary & PrimaryControl.activateSecondary) !== 0 && (secondary & SecondaryControl.vmcsShadowing) !== 0;
}

/** VMREAD or VMWRITE in non-root operation causes a VM exit. */
export function shadowIntercepts(
  cpu: ProcessorState,
  instruction: Instruction,
  reason: typeof ExitReason.vmread | typeof ExitReason.vmwrite,
): boolean {
  const fields = cpu.current?.fields;
  if (fields === undefined || !usesShadowing(fields)) return true;
  if (instruction.fieldHigh !== 0 || instruction.field >= BITMAP_ENCODINGS) return true;
  const bitmap = reason === ExitReason.vmread ? VMREAD_BITMAP : VMWRITE_BITMAP;
  const base = regionOf(fields.low[bitmap] ?? 0, fields.high[bitmap] ?? 0);
  const word = cpu.memory.read32(base + (instruction.field >>> 5) * 4);
  return ((word >>> (instruction.field & 31)) & 1) === 1;
}

/** The VMCS that the link pointer names, made active by the entry; undefined when the pointer is all ones. */
export function linkedVmcs(cpu: ProcessorState): CachedVmcs | undefined {
  const fields = cpu.current?.fields;
  const low = fields?.low[LINK_POINTER] ?? ALL_ONES;
  const high = fields?.high[LINK_POINTER] ?? ALL_ONES;
  if (low === ALL_ONES && high === ALL_ONES) return undefined;
  const region = regionOf(low, high);
  const cached = cpu.cache.find(region, low);
  if (cached !== undefined) return activate(cpu, cached);
  const page = cpu.memory.pageFor(region);
  return page === undefined ? undefined : activate(cpu, cpu.cache.add(region, page));
}
