import fc from "fast-check";
import { expect, it } from "vitest";
import { FieldStore } from "./field-store.js";
import { FIELD_COUNT } from "./fields.js";

/** FNV-1a, byte after byte, as it is defined. */
function fnv1a({ low, high }: FieldStore): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < FIELD_COUNT; index++)
    for (const word of [low[index] ?? 0, high[index] ?? 0])
      for (let shift = 0; shift < 32; shift += 8) hash = Math.imul(hash ^ ((word >>> shift) & 0xff), 0x01000193);
  return hash >>> 0;
}

it("a digest is FNV-1a of all values, however many of them are 0", () => {
  const word = fc.oneof(fc.constant(0), fc.nat(0xffffffff));
  const value = fc.tuple(fc.nat(FIELD_COUNT - 1), word, word);
  fc.assert(
    fc.property(fc.array(value, { maxLength: FIELD_COUNT }), (values) => {
      const store = new FieldStore();
      for (const [index, low, high] of values) store.set(index, low, high);
      expect(store.digest()).toBe(fnv1a(store));
    }),
  );
});
