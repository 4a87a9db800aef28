import type { Answer } from "./api.js";
import type { BatchResult, Operation, OutgoingBatch, Wait } from "./effect.js";

/**
 * Carries a batch to its CPU. It must send before it returns: batches to one CPU arrive in the order in which the core decided them.
 * `done` may be called at once (simulated) or later (services), exactly once.
 */
export type SendBatch = (batch: OutgoingBatch, done: (result: BatchResult) => void) => void;

/** What carries batches. */
export interface BatchPort {
  readonly send: SendBatch;
  /** Waits once more for a batch of {@link send} that ended in a deadline, and whose completion is kept. */
  readonly again: SendBatch;
}

type Resume = (input: readonly BatchResult[]) => void;

const NOTHING: readonly BatchResult[] = [];

/**
 * Runs operations: interleaves them at their waits and keeps their locks. Locks are granted first come, first served, one
 * holder each. An operation takes its vcpu's lock first and then at most one CPU's, and a holder of a CPU's lock waits for completions
 * only, so no circle of waiters can form.
 */
export class Executive {
  readonly #port: BatchPort;
  readonly #waiters = new Map<string, Resume[]>();
  #running = 0;

  constructor(port: BatchPort) {
    this.#port = port;
  }

  /** Operations begun and not ended. */
  get inFlight(): number {
    return this.#running;
  }

  run<T>(operation: Operation<T>, done: (answer: Answer<T>) => void): void {
    this.#running++;
    this.#step(operation, [], NOTHING, done);
  }

  #step<T>(
    operation: Operation<T>,
    held: string[],
    first: readonly BatchResult[],
    done: (answer: Answer<T>) => void,
  ): void {
    let input = first;
    for (;;) {
      const step = operation.next(input);
      if (step.done === true) {
        this.#running--;
        for (const key of held) this.#release(key);
        done(step.value);
        return;
      }
      const resume: Resume = (results) => this.#step(operation, held, results, done);
      const ready = this.#begin(step.value, held, resume);
      if (ready === undefined) return;
      input = ready;
    }
  }

  /** What to go on with at once; undefined when `resume` will be called later. */
  #begin(wait: Wait, held: string[], resume: Resume): readonly BatchResult[] | undefined {
    switch (wait.kind) {
      case "lock":
        return this.#acquire(wait.key, held, resume);
      case "again":
        return this.#sendAll([wait.batch], this.#port.again, resume);
      case "batches":
        return this.#sendAll(wait.batches, this.#port.send, resume);
    }
  }

  #sendAll(batches: readonly OutgoingBatch[], send: SendBatch, resume: Resume): readonly BatchResult[] | undefined {
    const results: BatchResult[] = new Array<BatchResult>(batches.length);
    let pending = batches.length;
    let returned = false;
    batches.forEach((batch, index) => {
      send(batch, (result) => {
        results[index] = result;
        pending--;
        if (pending === 0 && returned) resume(results);
      });
    });
    returned = true;
    return pending === 0 ? results : undefined;
  }

  #acquire(key: string, held: string[], resume: Resume): readonly BatchResult[] | undefined {
    const queue = this.#waiters.get(key);
    held.push(key);
    if (queue === undefined) {
      this.#waiters.set(key, []);
      return NOTHING;
    }
    queue.push(resume);
    return undefined;
  }

  #release(key: string): void {
    const next = this.#waiters.get(key)?.shift();
    if (next === undefined) this.#waiters.delete(key);
    else next(NOTHING);
  }
}
