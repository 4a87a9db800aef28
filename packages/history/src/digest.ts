import type { HistoryEvent } from "./event.js";

/** Every member of an event, and what part of the digest it belongs to. Does not compile when an event gets a member that is not here. */
const MEMBERS: Readonly<Record<keyof HistoryEvent, "fact" | "clock">> = {
  ...{
    kind: "fact",
    operation: "fact",
    cpu: "fact",
    vcpu: "fact",
    vmcs: "fact",
    region: "fact",
    vmptr: "fact",
    epoch: "fact",
  },
  ...{ from: "fact", to: "fact", launched: "fact", activated: "fact", active: "fact", toL1: "fact", definite: "fact" },
  ...{
    reason: "fact",
    error: "fact",
    count: "fact",
    digest: "fact",
    order: "fact",
    instruction: "fact",
    status: "fact",
  },
  ...{ role: "fact", cause: "fact", host: "fact", source: "fact", seq: "fact", incarnation: "fact", lamport: "fact" },
  ...{ wallUs: "clock", monoNs: "clock" },
};

/** How many strings a digest remembers the hashes of. */
const STRINGS_MAX = 1024;

export interface DigestOptions {
  /** Whether the times of events count. Yes for simulated runs, whose time is reproducible; no to compare live ones. */
  readonly clocks: boolean;
}

/**
 * A 64-bit digest of a history that does not depend on the order of arrival: events are hashed one by one and the hashes are added. The order that matters
 * is inside the events (source, seq, lamport). Two equal histories always have equal digests; it is no defence against forgery.
 */
export class HistoryDigest {
  readonly #members: readonly (keyof HistoryEvent)[];
  /** Hashes of strings that were seen: kinds, sources and names repeat all the time. */
  readonly #strings = new Map<string, { readonly low: number; readonly high: number }>();
  #low = 0;
  #high = 0;
  #events = 0;

  constructor({ clocks }: DigestOptions) {
    // The keys of a literal, hence exactly the keys of its type, always in the order in which they stand there.
    const members = Object.keys(MEMBERS) as (keyof HistoryEvent)[];
    this.#members = clocks ? members : members.filter((member) => MEMBERS[member] === "fact");
  }

  add(event: HistoryEvent): void {
    const hash = new EventHash();
    for (let index = 0; index < this.#members.length; index++) {
      const member = this.#members[index];
      const value = member === undefined ? undefined : event[member];
      // An absent member adds nothing; its index keeps `cpu: 1` and `vcpu: 1` apart.
      if (value === undefined) continue;
      hash.word(index);
      if (typeof value === "string") this.#mixString(hash, value);
      else hash.value(value);
    }
    this.#low = (this.#low + hash.low) >>> 0;
    this.#high = (this.#high + hash.high) >>> 0;
    this.#events++;
  }

  #mixString(into: EventHash, value: string): void {
    let words = this.#strings.get(value);
    if (words === undefined) {
      const hash = new EventHash();
      hash.string(value);
      words = { low: hash.low, high: hash.high };
      if (this.#strings.size < STRINGS_MAX) this.#strings.set(value, words);
    }
    into.word(words.low);
    into.word(words.high);
  }

  /** Sixteen hexadecimal digits. */
  toString(): string {
    const hash = new EventHash();
    for (const word of [this.#events, this.#low, this.#high]) hash.word(word);
    return [hash.high, hash.low].map((half) => half.toString(16).padStart(8, "0")).join("");
  }
}

/** Two hashes of 32 bits side by side: FNV-1a by words, and one with MurmurHash3's constants and finalizer. */
class EventHash {
  #fnv = 0x811c9dc5;
  #murmur = 0x9747b28c;

  get low(): number {
    return finalize(this.#fnv);
  }

  get high(): number {
    return finalize(this.#murmur);
  }

  word(word: number): void {
    this.#fnv = Math.imul(this.#fnv ^ word, 0x01000193);
    const mixed = Math.imul(word, 0xcc9e2d51);
    const rotated = this.#murmur ^ Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
    this.#murmur = (Math.imul((rotated << 13) | (rotated >>> 19), 5) + 0xe6546b64) | 0;
  }

  value(value: number | boolean | readonly number[]): void {
    if (typeof value === "number") this.#number(value);
    else if (typeof value === "boolean") this.word(value ? 1 : 0);
    else this.#list(value);
  }

  #number(value: number): void {
    this.word(value | 0);
    this.word(Math.floor(value / 0x1_0000_0000));
  }

  string(value: string): void {
    this.word(value.length);
    for (let i = 0; i < value.length; i++) this.word(value.charCodeAt(i));
  }

  #list(values: readonly number[]): void {
    this.word(values.length);
    for (const value of values) this.#number(value);
  }
}

function finalize(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
