import type { Clock } from "../clock.js";
import type { BatchFate, EventBatch } from "./port.js";

/** Events a sink buffers while its bus is slow or away, unless it is told otherwise: some seconds of a busy CPU, some 15 MB. */
export const BUFFERED_EVENTS_MAX = 50_000;

type Settled = (fate: BatchFate) => void;

/**
 * Batches on their way out, in order. Full means that a new batch is dropped and counted. Trace sees the gap by what follows; when nothing does, the queue itself
 * states afterwards how far the sequence had come.
 */
export class BatchQueue {
  readonly #eventsMax: number;
  readonly #batches: EventBatch[] = [];
  readonly #settled = new WeakMap<EventBatch, Settled>();
  readonly #onEmpty = new Set<() => void>();
  #events = 0;
  #dropped = 0;
  /** States what was dropped last, if nothing was taken since. */
  #gap: EventBatch | undefined;

  constructor(eventsMax = BUFFERED_EVENTS_MAX) {
    this.#eventsMax = eventsMax;
  }

  get dropped(): number {
    return this.#dropped;
  }

  get buffered(): number {
    return this.#events;
  }

  get isEmpty(): boolean {
    return this.#batches.length === 0;
  }

  /** All batches, oldest first. They stay until they are delivered. */
  get batches(): readonly EventBatch[] {
    return this.#batches;
  }

  /** A batch without events always fits: it carries where the sequence stands. */
  add(batch: EventBatch, settled?: Settled): void {
    const { length } = batch.events;
    if (this.#gap !== undefined && !isSameLife(this.#gap, batch)) this.#stateGap();
    if (length > 0 && this.#events + length > this.#eventsMax) {
      this.#dropped += length;
      this.#gap = { ...batch, firstSeq: batch.firstSeq + length, events: [] };
      // With nothing before it, nobody would come to state it.
      if (this.isEmpty) this.#stateGap();
      settled?.("dropped");
      return;
    }
    // Its number shows the gap.
    this.#gap = undefined;
    if (settled !== undefined) this.#settled.set(batch, settled);
    this.#batches.push(batch);
    this.#events += length;
  }

  /** The oldest `count` batches are delivered. */
  delivered(count: number): void {
    const delivered = this.#batches.splice(0, count);
    for (const batch of delivered) this.#events -= batch.events.length;
    if (this.isEmpty) this.#stateGap();
    for (const batch of delivered) this.#settled.get(batch)?.("delivered");
    if (!this.isEmpty) return;
    for (const tell of [...this.#onEmpty]) tell();
  }

  /** Waits until everything is delivered, at most `timeoutMs`. Says whether it is. */
  emptied(clock: Clock, timeoutMs: number): Promise<boolean> {
    if (this.isEmpty) return Promise.resolve(true);
    return new Promise((resolve) => {
      const finish = (empty: boolean) => (): void => {
        timer.cancel();
        this.#onEmpty.delete(onEmpty);
        resolve(empty);
      };
      const onEmpty = finish(true);
      const timer = clock.after(timeoutMs, finish(false));
      this.#onEmpty.add(onEmpty);
    });
  }

  #stateGap(): void {
    if (this.#gap === undefined) return;
    this.#batches.push(this.#gap);
    this.#gap = undefined;
  }
}

function isSameLife(left: EventBatch, right: EventBatch): boolean {
  return left.source === right.source && left.incarnation === right.incarnation && left.host === right.host;
}
