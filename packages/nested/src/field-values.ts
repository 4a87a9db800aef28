import { FIELDS, type FieldStore, fieldIndex, invariant } from "@vmcslab/vmx";
import type { FieldValues } from "./interconnect/batch.js";

export const NO_FIELDS: FieldValues = { encodings: [], low: [], high: [] };

/** Collects field values; the last value given for an encoding stands last and so wins when they are written in order. */
export class FieldValuesBuilder implements FieldValues {
  readonly encodings: number[];
  readonly low: number[];
  readonly high: number[];

  /** `start`: what it begins with. */
  constructor(start: FieldValues = NO_FIELDS) {
    this.encodings = start.encodings.slice();
    this.low = start.low.slice();
    this.high = start.high.slice();
  }

  add(encoding: number, value: bigint): this {
    this.encodings.push(encoding);
    this.low.push(Number(value & 0xffff_ffffn));
    this.high.push(Number((value >> 32n) & 0xffff_ffffn));
    return this;
  }

  /** Copies one field as it stands in `from`. */
  copy(encoding: number, from: FieldStore): this {
    return this.copyAs(encoding, encoding, from);
  }

  /** Gives `encoding` the value that `source` has in `from`. */
  copyAs(encoding: number, source: number, from: FieldStore): this {
    const index = indexOf(source);
    this.encodings.push(encoding);
    this.low.push(from.low[index] ?? 0);
    this.high.push(from.high[index] ?? 0);
    return this;
  }
}

/** Every field of `store` that is not zero: an image over a region of zeros. */
export function nonZeroFields(store: FieldStore): FieldValues {
  const { low, high } = store;
  const values = new FieldValuesBuilder();
  for (let index = 0; index < ENCODINGS.length; index++) {
    if (low[index] !== 0 || high[index] !== 0) pushAt(values, index, store);
  }
  return values;
}

/** Fields of `now` that differ from `before`. */
export function changedFields(before: FieldStore, now: FieldStore): FieldValues {
  const { low, high } = now;
  const values = new FieldValuesBuilder();
  for (let index = 0; index < ENCODINGS.length; index++) {
    if (low[index] !== before.low[index] || high[index] !== before.high[index]) pushAt(values, index, now);
  }
  return values;
}

export function applyFields({ encodings, low, high }: FieldValues, into: FieldStore): void {
  for (let i = 0; i < encodings.length; i++) into.set(indexOf(encodings[i] ?? -1), low[i] ?? 0, high[i] ?? 0);
}

/** By dense index. */
const ENCODINGS = Uint32Array.from(FIELDS, (field) => field.encoding);

function pushAt(values: FieldValuesBuilder, index: number, store: FieldStore): void {
  values.encodings.push(ENCODINGS[index] ?? 0);
  values.low.push(store.low[index] ?? 0);
  values.high.push(store.high[index] ?? 0);
}

function indexOf(encoding: number): number {
  const index = fieldIndex(encoding);
  if (index < 0) invariant(false, `field encoding 0x${encoding.toString(16)} is in the table`);
  return index;
}
