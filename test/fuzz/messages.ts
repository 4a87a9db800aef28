/** Messages of any type, valid or not: from a descriptor to bytes that nobody would send. */
import { type DescField, type DescMessage, type DescOneof, ScalarType } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import fc from "fast-check";

/**
 * Values for some fields, by `MessageName.field_name`, where any value would do harm that is no defect, or none would pass; `never`: the field
 * is left out.
 */
export type Chosen = Readonly<Record<string, fc.Arbitrary<Uint8Array> | "never">>;

type Bytes = fc.Arbitrary<Uint8Array>;

const NOTHING: Bytes = fc.constant(new Uint8Array());
const U32_EDGES = [0, 1, 2, 63, 64, 4095, 4096, 4097, 0xffff, 0x1_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];
const U64_EDGES = [
  ...U32_EDGES.map(BigInt),
  ...[0x1000n, 0x1001n, 0x10_0000n, 1n << 32n, 1n << 39n, (1n << 40n) - 4096n, 1n << 46n, 1n << 52n],
  ...[(1n << 53n) - 4n, (1n << 53n) - 1n, 1n << 53n, (1n << 63n) - 1n, 1n << 63n, (1n << 64n) - 1n],
];
const I32_EDGES = [-0x8000_0000, -64, -2, -1, 0, 1, 63, 64, 500_000, 0x7fff_ffff];
const DOUBLES = [0, -0, 1, -1, 0.5, 1e-300, 1e300, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
const WORDS = [
  "",
  "l0",
  "cpu0",
  "cpu63",
  "cpu64",
  "cpu",
  "host",
  "..",
  "a/b",
  "a.b",
  "__proto__",
  "constructor",
  "\u0000",
  "127.0.0.1:1",
];

const u32 = fc.oneof(fc.constantFrom(...U32_EDGES), fc.nat(8), fc.nat(0xffff_ffff));
const u64 = fc.oneof(fc.constantFrom(...U64_EDGES), fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }));
const i32 = fc.oneof(fc.constantFrom(...I32_EDGES), fc.integer());
const i64 = u64.map((value) => BigInt.asIntN(64, value));
const text = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...WORDS) },
  { weight: 3, arbitrary: fc.string({ unit: "binary", maxLength: 70 }) },
  { weight: 1, arbitrary: fc.nat(200_000).map((length) => "x".repeat(length)) },
);

/** A message of this type: each of its fields present or not, one of each oneof, values at the edges of their types. */
export function message(desc: DescMessage, chosen: Chosen = {}): Bytes {
  const parts = [
    ...allowed(desc.fields, chosen)
      .filter((field) => field.oneof === undefined)
      .map((field) => maybe(fieldOf(field, chosen))),
    ...desc.oneofs.map((oneof) => oneOf(oneof, chosen)),
  ];
  return parts.length === 0 ? NOTHING : fc.tuple(...parts).map((bytes) => Buffer.concat(bytes));
}

function maybe(bytes: Bytes): Bytes {
  return fc.oneof({ weight: 7, arbitrary: bytes }, { weight: 1, arbitrary: NOTHING });
}

function oneOf({ fields }: DescOneof, chosen: Chosen): Bytes {
  return maybe(fc.oneof(...allowed(fields, chosen).map((field) => fieldOf(field, chosen))));
}

function allowed(fields: readonly DescField[], chosen: Chosen): DescField[] {
  return fields.filter((field) => chosen[nameOf(field)] !== "never");
}

function nameOf(field: DescField): string {
  return `${field.parent.name}.${field.name}`;
}

function fieldOf(field: DescField, chosen: Chosen): Bytes {
  const value = valueBytes(field, chosen);
  const framed = value.map((bytes) => {
    const writer = new BinaryWriter().tag(field.number, wireTypeOf(field));
    return (isDelimited(field) ? writer.bytes(bytes) : writer.raw(bytes)).finish();
  });
  if (field.fieldKind !== "list") return framed;
  const few = fc.array(framed, { maxLength: 4 }).map((all) => Buffer.concat(all));
  // The same element again and again costs nothing to make.
  const many = fc
    .tuple(framed, fc.constantFrom(100, 1024, 1025, 4096, 4097, 10_001))
    .map(([bytes, times]) => repeated(bytes, times));
  return fc.oneof({ weight: 8, arbitrary: few }, { weight: 1, arbitrary: many });
}

/** At most a megabyte. */
function repeated(bytes: Uint8Array, times: number): Uint8Array {
  const count = Math.max(1, Math.min(times, Math.floor(1_000_000 / Math.max(1, bytes.length))));
  return Buffer.concat(Array.from({ length: count }, () => bytes));
}

function valueBytes(field: DescField, chosen: Chosen): Bytes {
  const own = chosen[nameOf(field)];
  if (own !== undefined && own !== "never") return own;
  if (field.message !== undefined) return message(field.message, chosen);
  if (field.enum !== undefined) {
    const known = field.enum.values.map((value) => value.number);
    return fc
      .oneof({ weight: 6, arbitrary: fc.constantFrom(...known) }, i32)
      .map((value) => new BinaryWriter().int32(value).finish());
  }
  return scalarOf(field.scalar ?? ScalarType.BYTES);
}

function scalarOf(type: ScalarType): Bytes {
  const write = <T>(values: fc.Arbitrary<T>, how: (writer: BinaryWriter, value: T) => BinaryWriter): Bytes =>
    values.map((value) => how(new BinaryWriter(), value).finish());
  switch (type) {
    case ScalarType.UINT32:
      return write(u32, (writer, value) => writer.uint32(value));
    case ScalarType.FIXED32:
      return write(u32, (writer, value) => writer.fixed32(value));
    case ScalarType.UINT64:
      return write(u64, (writer, value) => writer.uint64(value));
    case ScalarType.FIXED64:
      return write(u64, (writer, value) => writer.fixed64(value));
    case ScalarType.SINT32:
      return write(i32, (writer, value) => writer.sint32(value));
    case ScalarType.SINT64:
      return write(i64, (writer, value) => writer.sint64(value));
    case ScalarType.BOOL:
      return write(fc.boolean(), (writer, value) => writer.bool(value));
    case ScalarType.DOUBLE:
      return write(fc.oneof(fc.constantFrom(...DOUBLES), fc.double()), (writer, value) => writer.double(value));
    case ScalarType.STRING:
      return text.map((value) => Buffer.from(value));
    default:
      throw new Error(`no field of vmcslab.v1 has scalar type ${type}`);
  }
}

/** Of one value: lists are written element by element, which every decoder must take for a packed list too. */
function wireTypeOf(field: DescField): WireType {
  if (isDelimited(field)) return WireType.LengthDelimited;
  switch (field.scalar) {
    case ScalarType.FIXED32:
      return WireType.Bit32;
    case ScalarType.FIXED64:
    case ScalarType.DOUBLE:
      return WireType.Bit64;
    default:
      return WireType.Varint;
  }
}

function isDelimited(field: DescField): boolean {
  return field.message !== undefined || field.scalar === ScalarType.STRING;
}

const DEEP_GROUPS = Buffer.alloc(20_000, new BinaryWriter().tag(2000, WireType.StartGroup).finish());
const UNKNOWN_FIELD = new BinaryWriter().tag(19_999, WireType.LengthDelimited).bytes(new Uint8Array(1000)).finish();
const ENDLESS_VARINT = Buffer.alloc(64, 0xff);

/** Bits of these messages must not flip: a tag with another number may name a field that {@link Chosen} leaves out. */
export function cutOff(good: Bytes): Bytes {
  return fc
    .tuple(good, fc.double({ min: 0, max: 1, noNaN: true }))
    .map(([bytes, part]) => bytes.slice(0, Math.floor(bytes.length * part)));
}

/** What becomes of good bytes on a bad line, and what never were good ones. */
export function damaged(good: Bytes): Bytes {
  const flipped = fc
    .tuple(good, fc.array(fc.tuple(fc.nat(), fc.nat(7)), { minLength: 1, maxLength: 8 }))
    .map(([bytes, flips]) => withFlips(bytes, flips));
  const and = (more: Uint8Array): Bytes => good.map((bytes) => Buffer.concat([bytes, more]));
  const twice = good.map((bytes) => Buffer.concat([bytes, bytes]));
  return fc.oneof(
    cutOff(good),
    flipped,
    twice,
    and(UNKNOWN_FIELD),
    and(DEEP_GROUPS),
    and(ENDLESS_VARINT),
    fc.uint8Array({ maxLength: 200 }),
  );
}

function withFlips(bytes: Uint8Array, flips: readonly (readonly [number, number])[]): Uint8Array {
  const copy = Uint8Array.from(bytes);
  for (const [at, bit] of flips)
    if (copy.length > 0) copy[at % copy.length] = (copy[at % copy.length] ?? 0) ^ (1 << bit);
  return copy;
}
