const NOTHING = Buffer.alloc(0);

/**
 * Reads protobuf's wire format as {@link FrameWriter} writes it: fields in order, numbers of at most 2^53 - 1. Anything else it remembers, and what it has read is of no use.
 */
export class FrameReader {
  #bytes: Uint8Array = NOTHING;
  #at = 0;
  #isPlain = true;

  begin(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#at = 0;
    this.#isPlain = true;
  }

  /** Whether everything was as expected. Lets go of the bytes. */
  end(): boolean {
    this.#bytes = NOTHING;
    return this.#isPlain;
  }

  notPlain(): void {
    this.#isPlain = false;
    // Whoever reads on finds nothing any more.
    this.#at = Number.POSITIVE_INFINITY;
  }

  /** The next tag of a message that ends at `end`; 0: it ends here. */
  tag(end: number): number {
    if (this.#at === end) return 0;
    const tag = this.#at < end ? (this.#bytes[this.#at++] ?? 0) : 0;
    // A longer one is none of ours.
    if (tag === 0 || tag > 0x7f) {
      this.notPlain();
      return 0;
    }
    return tag;
  }

  /** A message of its own follows: where it ends, which is not after `within`. */
  open(within: number): number {
    const length = this.uint32();
    const end = this.#at + length;
    if (end > within) this.notPlain();
    return end;
  }

  uint32(): number {
    const value = this.#varint();
    if (value > 0xffff_ffff) this.notPlain();
    return value;
  }

  uint64(): bigint {
    return BigInt(this.#varint());
  }

  /** Varints up to `end`. */
  uint64s(end: number): bigint[] {
    const values: bigint[] = [];
    while (this.#at < end) values.push(this.uint64());
    if (this.#at !== end) this.notPlain();
    return values;
  }

  bool(): boolean {
    const value = this.#varint();
    if (value > 1) this.notPlain();
    return value === 1;
  }

  fixed32(): number {
    const at = this.#at;
    this.#at = at + 4;
    if (this.#at > this.#bytes.length) this.notPlain();
    return this.#word(at);
  }

  fixed64(): bigint {
    const low = this.fixed32();
    const high = this.fixed32();
    const value = high * 0x1_0000_0000 + low;
    if (value <= Number.MAX_SAFE_INTEGER) return BigInt(value);
    this.notPlain();
    return 0n;
  }

  /** A packed field of a message that ends at `within`. */
  fixed32s(within: number): number[] {
    const end = this.open(within);
    const values: number[] = [];
    if (!this.#isPlain) return values;
    let at = this.#at;
    for (; at + 4 <= end; at += 4) values.push(this.#word(at));
    if (at === end) this.#at = end;
    else this.notPlain();
    return values;
  }

  #varint(): number {
    const bytes = this.#bytes;
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 8; count++, scale *= 128) {
      const byte = bytes[this.#at++];
      if (byte === undefined) break;
      if (byte < 0x80) {
        value += byte * scale;
        if (value <= Number.MAX_SAFE_INTEGER) return value;
        break;
      }
      value += (byte & 0x7f) * scale;
    }
    this.notPlain();
    return 0;
  }

  #word(at: number): number {
    const bytes = this.#bytes;
    return (
      ((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)) >>>
      0
    );
  }
}
