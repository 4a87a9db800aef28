/** Binary files that nearly are what they should be. */
import fc from "fast-check";

/** A sample with bits flipped, bytes lost, parts exchanged, or random bytes; lengths that lie are among them. */
export function nearlyBytes(samples: readonly Uint8Array[]): fc.Arbitrary<Buffer> {
  const sample = fc.constantFrom(...samples.map((bytes): Buffer => Buffer.from(bytes)));
  const accident = fc.tuple(fc.nat(5), fc.nat(), fc.nat(), fc.nat(64));
  const hurt = fc
    .tuple(sample, sample, fc.array(accident, { minLength: 1, maxLength: 4 }))
    .map(([bytes, other, accidents]) => accidents.reduce<Buffer>((now, one) => after(now, other, one), bytes));
  const random = fc.uint8Array({ maxLength: 300 }).map((bytes): Buffer => Buffer.from(bytes));
  const endless = fc.constantFrom(
    Buffer.alloc(300_000, 0xff),
    Buffer.alloc(300_000, 0x80),
    Buffer.alloc(300_000),
    Buffer.alloc(0),
  );
  return fc.oneof({ weight: 10, arbitrary: hurt }, { weight: 1, arbitrary: random }, { weight: 1, arbitrary: endless });
}

function after(
  bytes: Buffer,
  other: Buffer,
  [kind, place, much, length]: readonly [number, number, number, number],
): Buffer {
  const at = bytes.length === 0 ? 0 : place % bytes.length;
  switch (kind) {
    case 0:
      return bytes.subarray(0, at);
    case 1:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
    case 2:
      return Buffer.concat([bytes.subarray(0, at), other.subarray(much % (other.length + 1))]);
    case 3:
      return Buffer.concat([bytes, other]);
    case 4:
      return Buffer.concat([bytes.subarray(0, at), Buffer.alloc(length, 0xff), bytes.subarray(at + length)]);
    default: {
      const flipped = Buffer.from(bytes);
      if (flipped.length > 0) flipped[at] = (flipped[at] ?? 0) ^ (1 << (much % 8));
      return flipped;
    }
  }
}
