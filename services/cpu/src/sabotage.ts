/** Safeguards of a CPU taken away, to show that experiments notice. For tests only. */
import type { Batch, Completion } from "@vmcslab/nested";

/**
 * `retryIdentity`: a batch that arrives twice is executed twice. `lease`: the CPU goes on when its lease has ended.
 */
export type CpuSafeguard = "retryIdentity" | "lease";
export const CPU_SAFEGUARDS: readonly CpuSafeguard[] = ["retryIdentity", "lease"];

/** Gives every batch that arrives a number of its own, so that nobody knows that it was here before. */
export class EveryBatchIsNew {
  #last = 0;

  receive(batch: Batch, execute: (renumbered: Batch) => readonly Completion[]): readonly Completion[] {
    this.#last++;
    return execute({ ...batch, id: this.#last }).map((completion) => ({ ...completion, id: batch.id }));
  }

  /** A session begins, and with it its numbers. */
  restart(): void {
    this.#last = 0;
  }
}
