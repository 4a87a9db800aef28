/** SDM 24.11.2 and appendix B: encodings. */
import { describe, expect, test } from "vitest";
import { Field } from "./field-encodings.js";
import { FieldStore } from "./field-store.js";
import { FIELD_COUNT, FIELDS, fieldByName, fieldIndex, isHighAccess } from "./fields.js";
import { Memory } from "./memory.js";

describe("encodings", () => {
  test("dense indices follow the encodings", () => {
    expect(FIELDS.map((field) => field.index)).toEqual(FIELDS.map((_, index) => index));
    expect(FIELDS.every((field) => fieldIndex(field.encoding) === field.index)).toBe(true);
    expect(FIELD_COUNT).toBe(163);
  });

  test("high access exists for 64-bit fields only", () => {
    expect(fieldIndex(Field.TSC_OFFSET + 1)).toBe(fieldIndex(Field.TSC_OFFSET));
    expect(fieldIndex(Field.GUEST_RIP + 1)).toBe(-1);
    expect(isHighAccess(0x2011)).toBe(true);
  });

  test.each([-1, 0.5, 0x8000, 2 ** 31, 2 ** 32, Number.NaN, Number.POSITIVE_INFINITY])(
    "%d is no encoding",
    (encoding) => {
      expect(fieldIndex(encoding)).toBe(-1);
    },
  );

  test("names of Linux, and the shorter ones of the recordings", () => {
    expect(fieldByName("VIRTUAL_PROCESSOR_ID")?.encoding).toBe(0);
    expect(fieldByName("VPID")?.encoding).toBe(0);
    expect(fieldByName("toString")).toBeUndefined();
  });
});

describe("FieldStore", () => {
  test("cuts to the width of the field", () => {
    const fields = new FieldStore();
    fields.write(Field.GUEST_CS_SELECTOR, 0x12345678n);
    fields.write(Field.GUEST_CS_LIMIT, 0x1_0000_0001n);
    expect([fields.read(Field.GUEST_CS_SELECTOR), fields.read(Field.GUEST_CS_LIMIT)]).toEqual([0x5678n, 1n]);
  });

  test("an unknown encoding is a programming error", () => {
    expect(() => new FieldStore().write(0x4001, 1n)).toThrow("no VMCS field has this encoding (encoding=0x4001)");
  });

  test("the digest is FNV-1a over all values", () => {
    const fields = new FieldStore();
    const empty = fields.digest();
    fields.write(Field.GUEST_RIP, 1n);
    expect(fields.digest()).not.toBe(empty);
    fields.clear();
    expect(fields.digest()).toBe(empty);
  });
});

describe("Memory", () => {
  test("unaligned 32-bit accesses cross words and pages", () => {
    const memory = new Memory();
    memory.write32(0xffe, 0x11223344);
    expect(memory.read32(0xffe)).toBe(0x11223344);
    expect(memory.read32(0x1000)).toBe(0x1122);
    memory.write64(0x2004, 0x1122334455667788n);
    expect(memory.read64(0x2004)).toBe(0x1122334455667788n);
  });

  test("beyond its end it reads all ones and drops writes", () => {
    const memory = new Memory({ bytes: 0x1000 });
    memory.write32(0x1000, 1);
    expect(memory.read32(0x1000)).toBe(0xffffffff);
    const image = new FieldStore();
    memory.readImage(0x1000, image);
    expect(image.read(Field.GUEST_CS_SELECTOR)).toBe(0xffffn);
  });

  test("images and launch state round-trip", () => {
    const memory = new Memory();
    const image = new FieldStore();
    image.write(Field.GUEST_RIP, 0x123456789abcdef0n);
    memory.writeImage(0x3000, image);
    memory.writeLaunched(0x3000, true);
    const back = new FieldStore();
    memory.readImage(0x3000, back);
    expect(back.digest()).toBe(image.digest());
    expect(memory.readLaunched(0x3000)).toBe(true);
    expect(memory.read32(0x3008)).toBe(1);
  });
});
