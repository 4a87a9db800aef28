import type { EventBatch, EventSink } from "./port.js";

/** For a service that was given no bus: everything is dropped, and counted. */
export class DiscardSink implements EventSink {
  readonly connected = true;
  #dropped = 0;

  get dropped(): number {
    return this.#dropped;
  }

  publish(batch: EventBatch): void {
    this.#dropped += batch.events.length;
  }

  flush(): Promise<boolean> {
    return Promise.resolve(true);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
