const INITIAL_BYTES = 4096;
/** Above it what was grown for one frame is let go of. */
const KEPT_BYTES = 64 * 1024;

/**
 * Writes protobuf's wire format into memory that it uses again. It knows only plain numbers: 32 bits unsigned, or at most 2^53 - 1. Given another it remembers that, and what it wrote is of
 * no use.
 */
export class FrameWriter {
  #bytes = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  #at = 0;
  #isPlain = true;

  begin(): void {
    this.#at = 0;
    this.#isPlain = true;
  }

  /** What was written since {@link begin}, copied. Undefined: something was not plain. */
  end(): Buffer | undefined {
    const bytes = this.#isPlain ? Buffer.from(this.#bytes.subarray(0, this.#at)) : undefined;
    if (this.#bytes.length > KEPT_BYTES) this.#bytes = Buffer.allocUnsafeSlow(INITIAL_BYTES);
    return bytes;
  }

  notPlain(): void {
    this.#isPlain = false;
  }

  /** A tag below 128. */
  tag(tag: number): void {
    this.#room(1);
    this.#bytes[this.#at++] = tag;
  }

  bool(value: boolean): void {
    this.tag(value ? 1 : 0);
  }

  uint32(value: number): void {
    if (value >>> 0 !== value) this.#isPlain = false;
    this.#room(5);
    this.#varint(value >>> 0);
  }

  uint64(value: bigint): void {
    let rest = this.#plain(value);
    this.#room(8);
    for (; rest > 0xffff_ffff; rest = Math.floor(rest / 128)) this.#bytes[this.#at++] = (rest % 128) | 0x80;
    this.#varint(rest);
  }

  fixed32(value: number): void {
    if (value >>> 0 !== value) this.#isPlain = false;
    this.#room(4);
    this.#word(value);
  }

  fixed64(value: bigint): void {
    const plain = this.#plain(value);
    this.#room(8);
    this.#word(plain >>> 0);
    this.#word(Math.floor(plain / 0x1_0000_0000));
  }

  /** A packed field. */
  fixed32s(tag: number, values: readonly number[]): void {
    const { length } = values;
    if (length === 0) return;
    this.tag(tag);
    this.uint32(4 * length);
    this.#room(4 * length);
    for (let i = 0; i < length; i++) {
      const value = values[i] ?? -1;
      if (value >>> 0 !== value) this.#isPlain = false;
      this.#word(value);
    }
  }

  /** A message of its own follows; {@link close} is given what this returns. */
  open(tag: number): number {
    this.#room(2);
    this.#bytes[this.#at++] = tag;
    // As long as most lengths are.
    return this.#at++;
  }

  close(opened: number): void {
    const length = this.#at - opened - 1;
    if (length < 0x80) {
      this.#bytes[opened] = length;
      return;
    }
    const prefix = length < 0x4000 ? 2 : length < 0x20_0000 ? 3 : length < 0x1000_0000 ? 4 : 5;
    this.#room(prefix);
    this.#bytes.copyWithin(opened + prefix, opened + 1, this.#at);
    this.#at = opened;
    this.#varint(length);
    this.#at += length;
  }

  #plain(value: bigint): number {
    const plain = Number(value);
    if (plain >= 0 && plain <= Number.MAX_SAFE_INTEGER) return plain;
    this.#isPlain = false;
    return 0;
  }

  /** At most 32 bits. */
  #varint(value: number): void {
    const bytes = this.#bytes;
    let at = this.#at;
    let rest = value;
    for (; rest > 0x7f; rest >>>= 7) bytes[at++] = (rest & 0x7f) | 0x80;
    bytes[at++] = rest;
    this.#at = at;
  }

  #word(value: number): void {
    const bytes = this.#bytes;
    const at = this.#at;
    bytes[at] = value;
    bytes[at + 1] = value >>> 8;
    bytes[at + 2] = value >>> 16;
    bytes[at + 3] = value >>> 24;
    this.#at = at + 4;
  }

  #room(count: number): void {
    const needed = this.#at + count;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#bytes.length));
    this.#bytes.copy(grown, 0, 0, this.#at);
    this.#bytes = grown;
  }
}
