import type { Answer } from "./api.js";
import type { BatchResult, Operation, OutgoingBatch } from "./effect.js";

/**
 * Carries a batch to its CPU. It must send before it returns: batches to one CPU arrive in the order in which the core decided them.
 * `done` may be called at once (simulated) or later (services), exactly once.
 */
export type SendBatch = (batch: OutgoingBatch, done: (result: BatchResult) => void) => void;

type Resume = (input: readonly BatchResult[]) => void;

const NOTHING: readonly BatchResult[] = [];

/**
 * Runs operations: interleaves them at their waits and keeps their locks. Locks are granted first come, first served, one
 * holder each. An operation takes its vcpu's lock first and then at most one CPU's, and a holder of a CPU's lock waits for completions
 * only, so no circle of waiters can form.
 */
export class Executive {
  readonly #send: SendBatch;
  readonly #waiters = new Map<string, Resume[]>();
  #running = 0;

  constructor(send: SendBatch) {
    this.#send = send;
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
      const ready =
        step.value.kind === "lock"
          ? this.#acquire(step.value.key, held, resume)
          : this.#sendAll(step.value.batches, resume);
      if (ready === undefined) return;
      input = ready;
    }
  }

  /** The results when all batches ended before this returns; otherwise `resume` is called later. */
  #sendAll(batches: readonly OutgoingBatch[], resume: Resume): readonly BatchResult[] | undefined {
    const results: BatchResult[] = new Array<BatchResult>(batches.length);
    let pending = batches.length;
    let returned = false;
    batches.forEach((batch, index) => {
      this.#send(batch, (result) => {
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
