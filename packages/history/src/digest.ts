import type { HistoryEvent } from "./event.js";

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
  readonly #clocks: boolean;
  readonly #event = new EventHash();
  /** Hashes of strings that were seen: kinds, sources and names repeat all the time. */
  readonly #strings = new Map<string, { readonly low: number; readonly high: number }>();
  #low = 0;
  #high = 0;
  #events = 0;

  constructor({ clocks }: DigestOptions) {
    this.#clocks = clocks;
  }

  add(event: HistoryEvent): void {
    const hash = this.#event;
    hash.reset();
    this.#addFact(event);
    this.#addEnvelope(event);
    this.#low = (this.#low + hash.low) >>> 0;
    this.#high = (this.#high + hash.high) >>> 0;
    this.#events++;
  }

  /** Sixteen hexadecimal digits. */
  toString(): string {
    const hash = new EventHash();
    for (const word of [this.#events, this.#low, this.#high]) hash.word(word);
    return [hash.high, hash.low].map((half) => half.toString(16).padStart(8, "0")).join("");
  }

  /**
   * All but `timing`, which says of single clears what the clocks of their events do not: it has no part in what happened. Member by member, because reading them by computed names costs several times as much. An absent one adds nothing; its number keeps `cpu: 1` and `vcpu: 1` apart. A test adds every member
   * that an event can have and finds each in the digest.
   */
  #addFact(event: HistoryEvent): void {
    const hash = this.#event;
    this.#string(0, event.kind);
    hash.number(1, event.operation);
    hash.number(2, event.cpu);
    hash.number(3, event.vcpu);
    hash.number(4, event.vmcs);
    hash.number(5, event.region);
    hash.number(6, event.vmptr);
    hash.number(7, event.epoch);
    hash.number(8, event.from);
    hash.number(9, event.to);
    hash.boolean(10, event.launched);
    hash.boolean(11, event.activated);
    hash.boolean(12, event.active);
    hash.boolean(13, event.toL1);
    hash.boolean(14, event.definite);
    hash.number(15, event.reason);
    hash.number(16, event.error);
    hash.number(17, event.count);
    hash.number(18, event.digest);
    hash.list(19, event.order);
    this.#string(20, event.instruction);
    this.#string(21, event.status);
    this.#string(22, event.role);
    this.#string(23, event.cause);
  }

  #addEnvelope(event: HistoryEvent): void {
    const hash = this.#event;
    this.#string(24, event.host);
    this.#string(25, event.source);
    hash.number(26, event.seq);
    hash.number(27, event.incarnation);
    hash.number(28, event.lamport);
    if (!this.#clocks) return;
    hash.number(29, event.wallUs);
    hash.number(30, event.monoNs);
  }

  #string(member: number, value: string | undefined): void {
    if (value === undefined) return;
    let words = this.#strings.get(value);
    if (words === undefined) {
      const hash = new EventHash();
      hash.string(value);
      words = { low: hash.low, high: hash.high };
      if (this.#strings.size < STRINGS_MAX) this.#strings.set(value, words);
    }
    this.#event.word(member);
    this.#event.word(words.low);
    this.#event.word(words.high);
  }
}

const FNV_START = 0x811c9dc5;
const MURMUR_START = 0x9747b28c;

/** Two hashes of 32 bits side by side: FNV-1a by words, and one with MurmurHash3's constants and finalizer. */
class EventHash {
  #fnv = FNV_START;
  #murmur = MURMUR_START;

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

  reset(): void {
    this.#fnv = FNV_START;
    this.#murmur = MURMUR_START;
  }

  number(member: number, value: number | undefined): void {
    if (value === undefined) return;
    this.word(member);
    this.#double(value);
  }

  boolean(member: number, value: boolean | undefined): void {
    if (value === undefined) return;
    this.word(member);
    this.word(value ? 1 : 0);
  }

  list(member: number, values: readonly number[] | undefined): void {
    if (values === undefined) return;
    this.word(member);
    this.word(values.length);
    for (const value of values) this.#double(value);
  }

  string(value: string): void {
    this.word(value.length);
    for (let i = 0; i < value.length; i++) this.word(value.charCodeAt(i));
  }

  #double(value: number): void {
    this.word(value | 0);
    this.word(Math.floor(value / 0x1_0000_0000));
  }
}

function finalize(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
