import { FIELDS, type FieldStore, fieldIndex, invariant } from "@vmcslab/vmx";
import type { FieldValues } from "./interconnect/batch.js";

export const NO_FIELDS: FieldValues = { encodings: [], low: [], high: [] };

/** Collects field values; the last value given for an encoding stands last and so wins when they are written in order. */
export class FieldValuesBuilder implements FieldValues {
  readonly encodings: number[] = [];
  readonly low: number[] = [];
  readonly high: number[] = [];

  add(encoding: number, value: bigint): this {
    this.encodings.push(encoding);
    this.low.push(Number(value & 0xffff_ffffn));
    this.high.push(Number((value >> 32n) & 0xffff_ffffn));
    return this;
  }

  /** Copies one field as it stands in `from`. */
  copy(encoding: number, from: FieldStore): this {
    const index = indexOf(encoding);
    this.encodings.push(encoding);
    this.low.push(from.low[index] ?? 0);
    this.high.push(from.high[index] ?? 0);
    return this;
  }
}

/** Every field of `store` that is not zero: an image over a region of zeros. */
export function nonZeroFields(store: FieldStore): FieldValues {
  const values = new FieldValuesBuilder();
  FIELDS.forEach((field, index) => {
    if (store.low[index] !== 0 || store.high[index] !== 0) values.copy(field.encoding, store);
  });
  return values;
}

/** Fields of `now` that differ from `before`. */
export function changedFields(before: FieldStore, now: FieldStore): FieldValues {
  const values = new FieldValuesBuilder();
  FIELDS.forEach((field, index) => {
    if (now.low[index] !== before.low[index] || now.high[index] !== before.high[index])
      values.copy(field.encoding, now);
  });
  return values;
}

export function applyFields(values: FieldValues, into: FieldStore): void {
  values.encodings.forEach((encoding, i) => {
    into.set(indexOf(encoding), values.low[i] ?? 0, values.high[i] ?? 0);
  });
}

function indexOf(encoding: number): number {
  const index = fieldIndex(encoding);
  invariant(index >= 0, `field encoding 0x${encoding.toString(16)} is in the table`);
  return index;
}
