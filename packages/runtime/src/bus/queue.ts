import type { Clock } from "../clock.js";
import type { EventBatch } from "./port.js";

/** Events a sink buffers while its bus is slow or away: some seconds of a busy CPU, some 15 MB. */
export const BUFFERED_EVENTS_MAX = 50_000;

/** Batches on their way out, in order. Full means that a new batch is dropped and counted; trace sees the gap. */
export class BatchQueue {
  readonly #eventsMax: number;
  readonly #batches: EventBatch[] = [];
  readonly #onEmpty = new Set<() => void>();
  #events = 0;
  #dropped = 0;

  constructor(eventsMax = BUFFERED_EVENTS_MAX) {
    this.#eventsMax = eventsMax;
  }

  get dropped(): number {
    return this.#dropped;
  }

  get isEmpty(): boolean {
    return this.#batches.length === 0;
  }

  /** All batches, oldest first. They stay until they are delivered. */
  get batches(): readonly EventBatch[] {
    return this.#batches;
  }

  /** A batch without events always fits: it carries where the sequence stands. */
  add(batch: EventBatch): void {
    if (batch.events.length > 0 && this.#events + batch.events.length > this.#eventsMax) {
      this.#dropped += batch.events.length;
      return;
    }
    this.#batches.push(batch);
    this.#events += batch.events.length;
  }

  /** The oldest `count` batches are delivered. */
  delivered(count: number): void {
    for (const batch of this.#batches.splice(0, count)) this.#events -= batch.events.length;
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
}
