import type { EventBatch, EventSink } from "../port.js";

/** Keeps what is published, for tests and for hosts that live in one process. */
export class MemorySink implements EventSink {
  readonly batches: EventBatch[] = [];
  readonly connected = true;
  readonly dropped = 0;

  publish(batch: EventBatch): void {
    this.batches.push(batch);
  }

  flush(): Promise<boolean> {
    return Promise.resolve(true);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
