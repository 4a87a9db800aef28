import type { EventFact, HistoryEvent } from "@vmcslab/history";
import type { Clock, Timer } from "../clock.js";
import type { LamportClock } from "../lamport.js";
import type { EventSink } from "./port.js";

/** A batch goes out when it has this many events or its first event is this old. */
const BATCH_EVENTS_MAX = 512;
const BATCH_AGE_MS_MAX = 20;

export interface RecorderOptions {
  readonly host: string;
  readonly source: string;
  readonly incarnation: number;
  readonly clock: Clock;
  readonly lamport: LamportClock;
  readonly sink: EventSink;
}

export interface SequencePosition {
  readonly host: string;
  readonly source: string;
  readonly incarnation: number;
  /** Sequence number of the last event; 0: none. */
  readonly published: number;
  readonly dropped: number;
  readonly complete: boolean;
}

/** Stamps the facts that a core states and publishes them in batches. Costs its caller no I/O. */
export class EventRecorder {
  readonly #options: RecorderOptions;
  #seq = 0;
  #pending: HistoryEvent[] = [];
  #timer: Timer | undefined;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  /** Sequence number of the last event; 0: none. */
  get published(): number {
    return this.#seq;
  }

  readonly record = (fact: EventFact): void => {
    const { host, source, incarnation, clock, lamport } = this.#options;
    this.#seq++;
    this.#pending.push({
      ...fact,
      host,
      source,
      incarnation,
      seq: this.#seq,
      lamport: lamport.tick(),
      wallUs: clock.wallUs(),
      monoNs: clock.monoNs(),
    });
    if (this.#pending.length >= BATCH_EVENTS_MAX) this.#publish();
    else this.#timer ??= clock.after(BATCH_AGE_MS_MAX, () => this.#publish());
  };

  /**
   * Publishes what is pending, then states where the sequence stands, so that a loss at its end is seen as well. Waits for the bus at most
   * `timeoutMs`.
   */
  async flush(timeoutMs: number): Promise<SequencePosition> {
    const { host, source, incarnation, sink } = this.#options;
    this.#publish();
    const published = this.#seq;
    sink.publish({ host, source, incarnation, firstSeq: published + 1, events: [] });
    const complete = await sink.flush(timeoutMs);
    return { host, source, incarnation, published, dropped: sink.dropped, complete };
  }

  #publish(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#pending.length === 0) return;
    const { host, source, incarnation, sink } = this.#options;
    const events = this.#pending;
    this.#pending = [];
    sink.publish({ host, source, incarnation, firstSeq: this.#seq - events.length + 1, events });
  }
}
