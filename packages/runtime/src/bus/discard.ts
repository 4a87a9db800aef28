import type { BatchFate, EventBatch, EventSink } from "./port.js";

/** For a service that was given no bus: everything is dropped, and counted. */
export class DiscardSink implements EventSink {
  readonly buffered = 0;
  #dropped = 0;
  #held = false;

  get connected(): boolean {
    return !this.#held;
  }

  get dropped(): number {
    return this.#dropped;
  }

  publish(batch: EventBatch, settled?: (fate: BatchFate) => void): void {
    this.#dropped += batch.events.length;
    settled?.("dropped");
  }

  flush(): Promise<boolean> {
    return Promise.resolve(true);
  }

  /** There is nothing to hold back; only `connected` shows it. */
  hold(): void {
    this.#held = true;
  }

  release(): void {
    this.#held = false;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
