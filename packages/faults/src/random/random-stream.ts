/**
 * Randomness: xoshiro128** (Blackman and Vigna), seeded through splitmix32, with named streams. The algorithm is frozen, because a
 * seed must mean the same run for ever. `fork` gives every consumer a stream of its own, so that a new one shifts no other.
 */
export class RandomStream {
  readonly #seed: string;
  readonly #state: Uint32Array;

  /** `seed`: the run's seed, and behind it the names of the forks. */
  constructor(seed: string) {
    this.#seed = seed;
    let word = fnv1a(seed);
    this.#state = Uint32Array.from({ length: 4 }, () => {
      word = (word + 0x9e3779b9) | 0;
      return splitmix32(word);
    });
  }

  /** A stream of its own: the same for the same name, whatever was drawn here. */
  fork(name: string): RandomStream {
    return new RandomStream(`${this.#seed}/${name}`);
  }

  /** 32 random bits. */
  next32(): number {
    // By index: to take the array apart goes through an iterator, at five times the cost.
    const s = this.#state;
    const s0 = s[0] ?? 0;
    const s1 = s[1] ?? 0;
    const s2 = s[2] ?? 0;
    const s3 = s[3] ?? 0;
    const result = Math.imul(rotateLeft(Math.imul(s1, 5), 7), 9) >>> 0;
    const shifted = s1 << 9;
    const t2 = s2 ^ s0;
    const t3 = s3 ^ s1;
    s[0] = s0 ^ t3;
    s[1] = s1 ^ t2;
    s[2] = t2 ^ shifted;
    s[3] = rotateLeft(t3, 11);
    return result;
  }

  /** An integer from 0 to `bound` - 1, evenly: values that would favour the small ones are drawn again. */
  below(bound: number): number {
    const limit = 0x1_0000_0000 - (0x1_0000_0000 % bound);
    let drawn = this.next32();
    while (drawn >= limit) drawn = this.next32();
    return drawn % bound;
  }

  /** A double from 0 up to but not 1, evenly on the multiples of 2^-53. Two draws: 27 bits of the first, 26 of the second. */
  unit(): number {
    const high = this.next32() >>> 5;
    const low = this.next32() >>> 6;
    return (high * 0x400_0000 + low) / 0x20_0000_0000_0000;
  }

  /** One of the choices, evenly. */
  pick<T>(choices: readonly [T, ...T[]]): T {
    return choices[this.below(choices.length)] ?? choices[0];
  }
}

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

/** FNV-1a, 32 bits, over UTF-16 units. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash;
}

function splitmix32(seed: number): number {
  let word = seed;
  word = Math.imul(word ^ (word >>> 16), 0x21f0aaad);
  word = Math.imul(word ^ (word >>> 15), 0x735a2d97);
  return (word ^ (word >>> 15)) >>> 0;
}
