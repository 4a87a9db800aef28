import {
  checkEventBatch,
  DamagedHistory,
  eventKindFromWire,
  type eventsWire,
  InvalidMessage,
  isSourceName,
  LIMITS,
  OperationRefused,
  shown,
  toNumber,
  type traceWire,
} from "@vmcslab/runtime";
import { Sequence } from "./sequence.js";
import type { EventStore } from "./store.js";

interface Source {
  readonly host: string;
  readonly source: string;
  readonly incarnation: bigint;
  readonly sequence: Sequence;
  /** The batch being stored, so that the next one waits for it. */
  last: Promise<void>;
}

/** Takes batches from any bus: checks their sequence, stores what is new, counts. Memory grows with sources and kinds, not with events. */
export class TraceRecorder {
  readonly #store: EventStore;
  readonly #sources = new Map<string, Source>();
  readonly #kinds = new Map<number, number>();
  readonly #cpus = new Map<number, number>();

  constructor(store: EventStore) {
    this.#store = store;
  }

  /** Ends when the batch is stored. Throws InvalidMessage for one that could not be read again, and OperationRefused beyond as many lives as there is room for; nothing of it counts then. */
  readonly receive = (batch: eventsWire.EventBatch): Promise<void> => {
    const source = this.#sourceOf(batch);
    const stored = source.last.then(() => this.#take(source, batch));
    source.last = stored.catch(() => undefined);
    return stored;
  };

  /** Takes up what an earlier life of trace has stored: the numbers go on where they stood, and what comes again is recognised. */
  async restore(): Promise<void> {
    for await (const batch of this.#store.restored()) {
      this.#storedSourceOf(batch).sequence.accept(
        toNumber(batch.firstSequence, "first sequence number"),
        batch.events.length,
        batch.ends,
      );
      for (const event of batch.events) this.#count(event);
    }
  }

  counts(): traceWire.GetCountsResponse {
    return {
      kinds: [...this.#kinds].map(([kind, stored]) => ({ kind: eventKindFromWire(kind), stored: BigInt(stored) })),
      cpus: [...this.#cpus].map(([cpu, stored]) => ({ cpu, stored: BigInt(stored) })).sort((a, b) => a.cpu - b.cpu),
      sources: [...this.#sources.values()].map(({ host, source, incarnation, sequence }) => ({
        host,
        source,
        incarnation,
        published: BigInt(sequence.published),
        stored: BigInt(sequence.stored),
        lost: BigInt(sequence.lost),
        duplicates: BigInt(sequence.duplicates),
        ended: sequence.ended,
      })),
    };
  }

  /** Ends when everything received before is on disk. The number of events stored. */
  async flush(): Promise<number> {
    const sources = [...this.#sources.values()];
    await Promise.all(sources.map((source) => source.last));
    await this.#store.flush();
    return sources.reduce((sum, { sequence }) => sum + sequence.stored, 0);
  }

  async #take(source: Source, batch: eventsWire.EventBatch): Promise<void> {
    const first = toNumber(batch.firstSequence, "first sequence number");
    const count = batch.events.length;
    const repeated = source.sequence.repeated(first, count);
    const events = repeated === 0 ? batch.events : batch.events.slice(repeated);
    const tellsEnd = batch.ends && !source.sequence.ended;
    // Counted when it is stored: a batch that the disk refuses comes again.
    if (events.length > 0 || tellsEnd) {
      await this.#store.append({ ...batch, firstSequence: BigInt(first + repeated), events });
    }
    source.sequence.accept(first, count, batch.ends);
    for (const event of events) this.#count(event);
  }

  #count(event: eventsWire.Event): void {
    this.#kinds.set(event.kind, (this.#kinds.get(event.kind) ?? 0) + 1);
    const { cpu } = event;
    if (cpu !== undefined && cpu >= 0) this.#cpus.set(cpu, (this.#cpus.get(cpu) ?? 0) + 1);
  }

  /** As {@link #sourceOf}, of a batch that is stored: what is wrong with it, is wrong with the files. */
  #storedSourceOf(batch: eventsWire.EventBatch): Source {
    try {
      return this.#sourceOf(batch);
    } catch (thrown) {
      if (!(thrown instanceof InvalidMessage)) throw thrown;
      throw new DamagedHistory(`what is stored of ${batch.host}.${batch.source} cannot be read: ${thrown.message}`);
    }
  }

  #sourceOf(batch: eventsWire.EventBatch): Source {
    const { host, source, incarnation } = batch;
    if (!isSourceName(host) || !isSourceName(source)) {
      throw new InvalidMessage(`"${shown(`${host}.${source}`)}" is not a source: letters, digits, _ and -, at most 64`);
    }
    checkEventBatch(batch);
    const key = `${host}.${source}.${incarnation}`;
    const known = this.#sources.get(key);
    if (known !== undefined) return known;
    const { max } = LIMITS.lives;
    if (this.#sources.size >= max) throw tooManyLives(max);
    const added: Source = { host, source, incarnation, sequence: new Sequence(), last: Promise.resolve() };
    this.#sources.set(key, added);
    return added;
  }
}

function tooManyLives(max: number): OperationRefused {
  const message = `${max} lives of sources are stored, and there is room for no more: give trace another folder`;
  return new OperationRefused({ code: "noMemory", definite: true, message });
}
