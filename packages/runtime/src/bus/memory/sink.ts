import type { BatchFate, EventBatch, EventSink } from "../port.js";

/** Keeps what is published, for tests and for hosts that live in one process. */
export class MemorySink implements EventSink {
  readonly batches: EventBatch[] = [];
  readonly dropped = 0;
  #held: { readonly batch: EventBatch; readonly settled: ((fate: BatchFate) => void) | undefined }[] | undefined;

  get connected(): boolean {
    return this.#held === undefined;
  }

  get buffered(): number {
    return this.#held?.reduce((sum, { batch }) => sum + batch.events.length, 0) ?? 0;
  }

  publish(batch: EventBatch, settled?: (fate: BatchFate) => void): void {
    if (this.#held !== undefined) {
      this.#held.push({ batch, settled });
      return;
    }
    this.batches.push(batch);
    settled?.("delivered");
  }

  flush(): Promise<boolean> {
    return Promise.resolve(this.#held === undefined || this.#held.length === 0);
  }

  hold(): void {
    this.#held ??= [];
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const { batch, settled } of held) this.publish(batch, settled);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
