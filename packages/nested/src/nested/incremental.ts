import { Field, type FieldStore, fieldIndex } from "@vmcslab/vmx";
import { FieldValuesBuilder } from "../field-values.js";
import type { FieldValues } from "../interconnect/batch.js";

/**
 * Incremental preparation: of what a vmcs02 is to hold, what it does not hold yet. Right only for a vmcs02 that last ran this very vmcs12, whose contents L0 knows: what it wrote, and what it read when L2 last left
 * (`known`). KVM approximates it with one bit, dirty_vmcs12 (74a497fae754): while L1 has written no rarely changing field since the last entry, those are not written, all others always are.
 */
export function whatDiffers(prepared: FieldValues, known: FieldStore): FieldValues {
  const differing = new FieldValuesBuilder();
  const { encodings, low, high } = prepared;
  for (let i = 0; i < encodings.length; i++) {
    const encoding = encodings[i] ?? 0;
    const index = fieldIndex(encoding);
    if (!CHANGED_BY_EXITS.has(encoding) && known.low[index] === low[i] && known.high[index] === high[i]) continue;
    differing.encodings.push(encoding);
    differing.low.push(low[i] ?? 0);
    differing.high.push(high[i] ?? 0);
  }
  return differing;
}

/** Of what is prepared, what an exit changes and L0 does not read afterwards: the valid bit of an event that was injected (SDM 24.8.3). */
const CHANGED_BY_EXITS: ReadonlySet<number> = new Set([Field.VM_ENTRY_INTR_INFO_FIELD]);
