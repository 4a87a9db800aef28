/** The EPT pointer: SDM 24.6.11 and 26.2.1.1, used by VM entry, INVEPT and EPTP switching. */
import type { CpuModel } from "../cpu-model.js";

const MEMORY_TYPE_UNCACHEABLE = 0;
const MEMORY_TYPE_WRITE_BACK = 6;
/** IA32_VMX_EPT_VPID_CAP. */
const CAP_UNCACHEABLE = 1 << 8;
const CAP_WRITE_BACK = 1 << 14;
const CAP_ACCESSED_DIRTY = 1 << 21;
const WALK_LENGTH_MINUS_1 = 3;
const ACCESSED_DIRTY = 1 << 6;
const RESERVED = 0xf80;

/** True when an EPT pointer with these halves is acceptable. */
export function checkEptPointer(model: CpuModel, low: number, high: number): boolean {
  const type = low & 7;
  const capability =
    type === MEMORY_TYPE_UNCACHEABLE ? CAP_UNCACHEABLE : type === MEMORY_TYPE_WRITE_BACK ? CAP_WRITE_BACK : 0;
  if ((model.eptVpidLow & capability) === 0) return false;
  if (((low >>> 3) & 7) !== WALK_LENGTH_MINUS_1) return false;
  if ((low & ACCESSED_DIRTY) !== 0 && (model.eptVpidLow & CAP_ACCESSED_DIRTY) === 0) return false;
  return (low & RESERVED) === 0 && high < 2 ** (model.physicalAddressWidth - 32);
}
