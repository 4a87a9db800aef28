import type { Batch, BatchTiming, Stopwatch } from "@vmcslab/nested";
import type { SharedClock } from "../clock.js";

/** Takes the times of the batches that a CPU executes. The endpoint tells it when one arrived, the processor's core the rest. */
export class BatchStopwatch implements Stopwatch {
  readonly clock: SharedClock;
  readonly #receivedNs = new Map<number, number>();
  #arrivedNs = 0;
  #startedNs = 0;
  #flushBeganNs = 0;
  #flushedNs: number[] = [];

  constructor(clock: SharedClock) {
    this.clock = clock;
  }

  /** A batch arrived. It may have to wait for an earlier one. */
  received(id: number, nowNs: number): void {
    if (!this.#receivedNs.has(id)) this.#receivedNs.set(id, nowNs);
  }

  /** Batches up to this number were executed, whenever they arrive again. */
  forget(upTo: number): void {
    for (const id of this.#receivedNs.keys()) if (id <= upTo) this.#receivedNs.delete(id);
  }

  begins({ id }: Batch): void {
    this.#startedNs = this.clock.nowNs();
    this.#arrivedNs = this.#receivedNs.get(id) ?? this.#startedNs;
    this.#flushedNs = [];
  }

  vmclearBegins(): void {
    this.#flushBeganNs = this.clock.nowNs();
  }

  vmclearEnded(): void {
    this.#flushedNs.push(this.clock.nowNs() - this.#flushBeganNs);
  }

  ended(): BatchTiming {
    return {
      receivedNs: this.#arrivedNs,
      waitedNs: this.#startedNs - this.#arrivedNs,
      executedNs: this.clock.nowNs() - this.#startedNs,
      flushedNs: this.#flushedNs,
    };
  }
}
