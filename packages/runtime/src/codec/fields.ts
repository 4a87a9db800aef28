import type { FieldValues } from "@vmcslab/nested";
import { FIELDS, type FieldInfo, fieldIndex } from "@vmcslab/vmx";
import type { FieldValues as WireFieldValues } from "../generated/vmcslab/v1/fields.js";
import { LIMITS } from "../limits.js";
import { InvalidMessage } from "./invalid-message.js";
import { checkCount } from "./ranges.js";

/** Copies, because the wire message has mutable arrays. The copies are flat number arrays: cheap beside encoding them. */
export function fieldsToWire(fields: FieldValues): WireFieldValues {
  return { encodings: [...fields.encodings], low: [...fields.low], high: [...fields.high] };
}

/** Throws {@link InvalidMessage} when the three lists differ in length. */
export function fieldsFromWire(fields: WireFieldValues): FieldValues {
  const { encodings, low, high } = fields;
  if (encodings.length !== low.length || encodings.length !== high.length) {
    throw new InvalidMessage(
      `field values have ${encodings.length} encodings, ${low.length} low and ${high.length} high halves`,
    );
  }
  return { encodings, low, high };
}

/** As {@link fieldsFromWire}, of one instruction of a batch: not too many. */
export function operandsFromWire(fields: WireFieldValues, what: string): FieldValues {
  checkCount(fields.encodings.length, LIMITS.fieldValues, what);
  return fieldsFromWire(fields);
}

/** As {@link operandsFromWire}, where no processor looks at the encodings: fields that there are, in full-access form, that `belongs` is true of. */
export function stateFromWire(
  fields: WireFieldValues,
  what: string,
  belongs: (field: FieldInfo) => boolean = () => true,
): FieldValues {
  for (const encoding of fields.encodings) {
    const field = FIELDS[fieldIndex(encoding)];
    if (field?.encoding !== encoding || !belongs(field))
      throw new InvalidMessage(`${what}: 0x${encoding.toString(16)} is no such field`);
  }
  return operandsFromWire(fields, what);
}
