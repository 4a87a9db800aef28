import type { FieldValues } from "@vmcslab/nested";
import type { FieldValues as WireFieldValues } from "../generated/vmcslab/v1/fields.js";
import { InvalidMessage } from "./invalid-message.js";

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
