/** The field values of one VMCS: two 32-bit halves per field, at the field's dense index. */
import { FIELD_COUNT, FIELDS, fieldIndex, isHighAccess } from "./fields.js";
import { invariant } from "./invariant.js";

/** Which bits of each half a field keeps. */
export const LOW_MASK: Uint32Array = Uint32Array.from(FIELDS, (field) => (field.width === 16 ? 0xffff : 0xffffffff));
export const HIGH_MASK: Uint32Array = Uint32Array.from(FIELDS, (field) =>
  field.width === 16 || field.width === 32 ? 0 : 0xffffffff,
);

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
const FNV_PRIME_SQUARED = Math.imul(FNV_PRIME, FNV_PRIME);
const FNV_PRIME_TO_THE_4TH = Math.imul(FNV_PRIME_SQUARED, FNV_PRIME_SQUARED);

/** What so many words of 0 multiply by. */
const ZEROS = new Int32Array(2 * FIELD_COUNT + 1);
ZEROS[0] = 1;
for (let words = 1; words < ZEROS.length; words++)
  ZEROS[words] = Math.imul(ZEROS[words - 1] ?? 1, FNV_PRIME_TO_THE_4TH);

export class FieldStore {
  /** Bits 31:0 by dense index. */
  readonly low: Uint32Array;
  /** Bits 63:32 by dense index. */
  readonly high: Uint32Array;

  constructor() {
    // One buffer for both halves: what a buffer costs is mostly that it is one.
    const words = new Uint32Array(2 * FIELD_COUNT);
    this.low = words.subarray(0, FIELD_COUNT);
    this.high = words.subarray(FIELD_COUNT);
  }

  /** Value of a field, or of the high half when `encoding` has high access. */
  read(encoding: number): bigint {
    const index = requireIndex(encoding);
    const high = BigInt(this.high[index] ?? 0);
    return isHighAccess(encoding) ? high : (high << 32n) | BigInt(this.low[index] ?? 0);
  }

  /** Cuts `value` to the field's width. High access writes bits 63:32 only. */
  write(encoding: number, value: bigint): void {
    const index = requireIndex(encoding);
    const low = Number(BigInt.asUintN(32, value));
    if (isHighAccess(encoding)) this.high[index] = low;
    else this.set(index, low, Number(BigInt.asUintN(32, value >> 32n)));
  }

  /** By dense index; both halves are cut to the field's width. */
  set(index: number, low: number, high: number): void {
    this.low[index] = low & (LOW_MASK[index] ?? 0);
    this.high[index] = high & (HIGH_MASK[index] ?? 0);
  }

  copyFrom(other: FieldStore): void {
    this.low.set(other.low);
    this.high.set(other.high);
  }

  clear(): void {
    this.low.fill(0);
    this.high.fill(0);
  }

  /**
   * FNV-1a over all values in index order, low half before high half, each as four little-endian bytes. 32 bits,
   * unsigned.
   */
  digest(): number {
    const { low, high } = this;
    let hash = FNV_OFFSET;
    // Words of 0 since the last other one.
    let zeros = 0;
    for (let index = 0; index < FIELD_COUNT; index++) {
      const lowWord = low[index] ?? 0;
      const highWord = high[index] ?? 0;
      if (lowWord === 0 && highWord === 0) {
        zeros += 2;
        continue;
      }
      hash = mixWord(mixZeros(hash, zeros), lowWord);
      hash = mixWord(hash, highWord);
      zeros = 0;
    }
    return mixZeros(hash, zeros) >>> 0;
  }
}

/** Most words of a VMCS are 0, and four bytes of 0 only multiply. */
function mixZeros(hash: number, words: number): number {
  return Math.imul(hash, ZEROS[words] ?? 1);
}

function mixWord(hash: number, word: number): number {
  if (word === 0) return Math.imul(hash, FNV_PRIME_TO_THE_4TH);
  let mixed = hash;
  for (let shift = 0; shift < 32; shift += 8) mixed = Math.imul(mixed ^ ((word >>> shift) & 0xff), FNV_PRIME);
  return mixed;
}

function requireIndex(encoding: number): number {
  const index = fieldIndex(encoding);
  // Asked for every field of every access: what to say is put together only when it is said.
  if (index < 0) invariant(false, "no VMCS field has this encoding", { encoding: `0x${encoding.toString(16)}` });
  return index;
}
