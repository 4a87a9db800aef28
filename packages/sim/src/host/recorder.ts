import type { EventFact, EventKind, HistoryEvent } from "@vmcslab/history";
import { SimEvent } from "./sim-event.js";

export type Observe = (event: HistoryEvent) => void;

/** How many events one life of a source published. */
export interface LifePosition {
  readonly source: string;
  readonly incarnation: number;
  readonly published: number;
}

/** The clock that stamps a source's events. */
export interface Stamp {
  readonly wallUs: number;
}

/**
 * The bus of a simulated host: facts become events at the instant they are stated. One thread of control states them, so their order is real: `lamport` counts them all, and
 * `monoNs` is the true virtual time, whatever the clock of a node says. While the bus is stopped a bounded buffer holds them, and what does not fit is lost.
 */
export class SimRecorder {
  readonly #host: string;
  readonly #observe: Observe;
  readonly #nowNs: () => number;
  readonly #bufferMax: number;
  /** By source, of its latest life. */
  readonly #sequences = new Map<string, { incarnation: number; seq: number }>();
  readonly #ended: LifePosition[] = [];
  readonly #listeners = new Map<EventKind, (() => void)[]>();
  #held: HistoryEvent[] | undefined;
  #lamport = 0;
  #isLate = false;

  constructor(options: { host: string; nowNs: () => number; observe: Observe; bufferMax: number }) {
    this.#host = options.host;
    this.#nowNs = options.nowNs;
    this.#observe = options.observe;
    this.#bufferMax = options.bufferMax;
  }

  record(source: string, incarnation: number, clock: Stamp, fact: EventFact): void {
    const seq = this.#nextSeq(source, incarnation);
    const lamport = ++this.#lamport;
    const event = new SimEvent(fact, this.#host, source, incarnation, seq, lamport, clock.wallUs, this.#nowNs());
    if (this.#held === undefined) this.#observe(event);
    else if (this.#held.length < this.#bufferMax) this.#held.push(event);
    const listeners = this.#listeners.get(fact.kind);
    if (listeners !== undefined) for (const listener of listeners) listener();
  }

  #nextSeq(source: string, incarnation: number): number {
    const known = this.#sequences.get(source);
    if (known?.incarnation === incarnation) return ++known.seq;
    if (known !== undefined) this.#ended.push({ source, incarnation: known.incarnation, published: known.seq });
    this.#sequences.set(source, { incarnation, seq: 1 });
    return 1;
  }

  /** How far each life of each source got, what was lost on the way included. */
  positions(): LifePosition[] {
    const alive = [...this.#sequences].map(([source, { incarnation, seq }]) => ({
      source,
      incarnation,
      published: seq,
    }));
    return [...this.#ended, ...alive];
  }

  /** Called at each event of this kind, after it was recorded. */
  on(kind: EventKind, listener: () => void): void {
    this.#listeners.set(kind, [...(this.#listeners.get(kind) ?? []), listener]);
  }

  /** What is observed now was stated while the bus was stopped: the host has gone on since, if only within the same instant. */
  get isLate(): boolean {
    return this.#isLate;
  }

  stop(): void {
    this.#held ??= [];
  }

  resume(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    this.#isLate = true;
    for (const event of held) this.#observe(event);
    this.#isLate = false;
  }
}
