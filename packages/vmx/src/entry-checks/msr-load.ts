/** SDM 26.4: the MSRs that VM entry loads. */
import { Field } from "../field-encodings.js";
import { addressOf, isCanonical, isPat } from "./bits.js";
import type { EntryContext } from "./context.js";
import { MSR_ENTRY_BYTES } from "./exit-entry-control-rules.js";
import { EFER_DEFINED } from "./host-rules.js";

type ValueCheck = (low: number, high: number) => boolean;

const anyValue: ValueCheck = () => true;
const canonical: ValueCheck = (_low, high) => isCanonical(high);
const upperHalfClear: ValueCheck = (_low, high) => high === 0;

/**
 * MSRs that WRMSR accepts here, and with which values. IA32_FS_BASE and IA32_GS_BASE are missing on purpose: 26.4
 * forbids them.
 */
const LOADABLE: ReadonlyMap<number, ValueCheck> = new Map<number, ValueCheck>([
  [0x10, anyValue], // IA32_TIME_STAMP_COUNTER
  [0x174, anyValue], // IA32_SYSENTER_CS
  [0x175, canonical], // IA32_SYSENTER_ESP
  [0x176, canonical], // IA32_SYSENTER_EIP
  [0x1d9, upperHalfClear], // IA32_DEBUGCTL
  [0x277, isPat], // IA32_PAT
  [0xc0000080, (low, high) => high === 0 && (low & ~EFER_DEFINED) === 0], // IA32_EFER
  [0xc0000081, anyValue], // IA32_STAR
  [0xc0000082, canonical], // IA32_LSTAR
  [0xc0000083, canonical], // IA32_CSTAR
  [0xc0000084, upperHalfClear], // IA32_FMASK
  [0xc0000102, canonical], // IA32_KERNEL_GS_BASE
  [0xc0000103, upperHalfClear], // IA32_TSC_AUX
]);

/**
 * IA32_VMX_MISC[27:25] is N: a list of more than 512 * (N + 1) entries is not recommended; this processor looks no
 * further.
 */
const entriesMax = (context: EntryContext): number => 512 * (((context.model.misc >>> 25) & 7) + 1);

/** 1-based index of the first entry that cannot be loaded, which is the exit qualification; 0 when all can. */
export function failingMsr(context: EntryContext): number {
  const count = context.low(Field.VM_ENTRY_MSR_LOAD_COUNT);
  if (count === 0 || context.memory === undefined) return 0;
  const base = addressOf(context, Field.VM_ENTRY_MSR_LOAD_ADDR);
  const last = Math.min(count, entriesMax(context));
  for (let index = 0; index < last; index++) {
    const address = base + index * MSR_ENTRY_BYTES;
    const check = LOADABLE.get(context.memory.read32(address));
    const isReservedClear = context.memory.read32(address + 4) === 0;
    if (
      check === undefined ||
      !isReservedClear ||
      !check(context.memory.read32(address + 8), context.memory.read32(address + 12))
    ) {
      return index + 1;
    }
  }
  return count > last ? last + 1 : 0;
}
