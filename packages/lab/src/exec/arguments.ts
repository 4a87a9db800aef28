/** Reading the arguments of an operation: numbers in hexadecimal or decimal, field names, modes. */
import { FIELD_ALIASES, Field, type FieldInfo, fieldByName } from "@vmcslab/vmx";
import { suggestion } from "./nearest.js";
import { Problem } from "./usage-error.js";

/** An operation as it stands in the program. */
export type Line = Readonly<Record<string, unknown>>;

/** Names for numbers that a program may use: regions, macros. Undefined when `text` is none of them. */
export type Names = (text: string, key: string) => bigint | undefined;

export const noNames: Names = () => undefined;

const MAX = { 16: 0xffffn, 32: 0xffff_ffffn, 64: 0xffff_ffff_ffff_ffffn } as const;
export type Bits = keyof typeof MAX;

const HEXADECIMAL = /^0x[0-9a-f]{1,32}$/i;
const DECIMAL = /^[0-9]{1,39}$/;

export function show(value: unknown): string {
  const text = json(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

function json(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch (thrown) {
    // Nested deeper than the stack is.
    if (!(thrown instanceof RangeError)) throw thrown;
    return Array.isArray(value) ? "[[…]]" : "{{…}}";
  }
}

/** An unsigned number of at most `bits` bits. */
export function readNumber(line: Line, key: string, bits: Bits, names: Names = noNames): bigint {
  const value = line[key];
  if (value === undefined) throw new Problem(`"${opOf(line)}" needs "${key}", a number such as "0x1000"`);
  return toNumber(value, `"${key}"`, key, bits, names);
}

export function readNumberOr(line: Line, key: string, bits: Bits, fallback: bigint): bigint {
  return line[key] === undefined ? fallback : readNumber(line, key, bits);
}

export function toNumber(value: unknown, what: string, key: string, bits: Bits, names: Names): bigint {
  const number = parseNumber(value, what, key, names);
  if (number > MAX[bits])
    throw new Problem(`${what} is ${show(value)}, more than ${bits} bits; the largest is 0x${MAX[bits].toString(16)}`);
  return number;
}

function parseNumber(value: unknown, what: string, key: string, names: Names): bigint {
  if (typeof value === "number") {
    if (Number.isSafeInteger(value) && value >= 0) return BigInt(value);
    const advice =
      value > Number.MAX_SAFE_INTEGER
        ? 'JSON numbers are exact only below 2^53: write it in hexadecimal, as "0x…"'
        : "write an unsigned integer";
    throw new Problem(`${what} is ${show(value)}; ${advice}`);
  }
  if (typeof value === "string") {
    if (HEXADECIMAL.test(value) || DECIMAL.test(value)) return BigInt(value);
    const named = names(value, key);
    if (named !== undefined) return named;
  }
  throw new Problem(`${what} is ${show(value)}; write an unsigned integer, such as "0x1000" or 4096`);
}

const HIGH_SUFFIX = "_HIGH";

/** A VMCS field: its name, NAME_HIGH for the upper half of a 64-bit one, or any 64-bit number as encoding. */
export function readField(line: Line): bigint {
  const value = line.field;
  if (value === undefined)
    throw new Problem(`"${opOf(line)}" needs "field", a name such as "GUEST_RIP" or an encoding such as "0x681e"`);
  if (typeof value !== "string" || HEXADECIMAL.test(value) || DECIMAL.test(value))
    return toNumber(value, '"field"', "field", 64, noNames);
  const isHigh = value.endsWith(HIGH_SUFFIX) && fieldByName(value) === undefined;
  const name = isHigh ? value.slice(0, -HIGH_SUFFIX.length) : value;
  const field = fieldByName(name);
  if (field === undefined) throw new Problem(`no VMCS field is called ${show(name)}${suggestion(name, fieldNames())}`);
  return BigInt(field.encoding + (isHigh ? highAccess(field, value) : 0));
}

function highAccess(field: FieldInfo, written: string): number {
  if (field.width !== 64)
    throw new Problem(
      `${show(written)}: only 64-bit fields have a high half, and ${field.name} has width ${field.width}`,
    );
  return 1;
}

function* fieldNames(): Generator<string> {
  yield* Object.keys(Field);
  yield* Object.keys(FIELD_ALIASES);
}

/** One of a few words. */
export function readWord<Word extends string>(line: Line, key: string, words: readonly Word[]): Word | undefined {
  const value = line[key];
  if (value === undefined) return undefined;
  const word = words.find((candidate) => candidate === value);
  if (word !== undefined) return word;
  const hint = typeof value === "string" ? suggestion(value, words) : "";
  throw new Problem(
    `"${key}" is ${show(value)}; it can be ${words.map((candidate) => `"${candidate}"`).join(" or ")}, or absent${hint}`,
  );
}

/** Keys that the operation does not have are mistakes, not extensions. */
export function checkKeys(line: Line, allowed: readonly string[]): void {
  for (const key of Object.keys(line)) {
    if (key === "op" || allowed.includes(key)) continue;
    throw new Problem(
      `"${opOf(line)}" has no argument "${key.slice(0, 40)}"${suggestion(key, allowed) || `; it has ${list(allowed)}`}`,
    );
  }
}

function list(names: readonly string[]): string {
  return names.length === 0 ? "none" : names.map((name) => `"${name}"`).join(", ");
}

function opOf(line: Line): string {
  const op = line.op;
  return typeof op === "string" ? op.slice(0, 40) : "an operation";
}
