/**
 * What an operation of the hypervisor waits for. An operation is a generator: it reads from top to bottom like the kernel function it models and
 * yields where the kernel would wait for an IPI or a lock. It knows no promises; {@link Executive} resumes it.
 */
import type { Answer, OperationError } from "./api.js";
import type { BatchInstruction, Completion } from "./interconnect/batch.js";

/** A batch as the core decides it. The interconnect numbers it. */
export interface OutgoingBatch {
  readonly cpu: number;
  readonly operation: number;
  readonly instructions: readonly BatchInstruction[];
  /** If it ends in a deadline it will be asked for again ({@link Wait}), so a completion that comes late is kept. */
  readonly askedAgain?: boolean;
}

export type BatchResult =
  | { readonly ok: true; readonly completion: Completion }
  | { readonly ok: false; readonly error: OperationError };

export type Wait =
  /** All of them go out at once, in this order; resumed with one result each when the last has ended. */
  | { readonly kind: "batches"; readonly batches: readonly OutgoingBatch[] }
  /**
   * Asks again for a batch that ended in a deadline: resumed with its one result, the recorded completion if it was executed meanwhile. It is never executed twice.
   */
  | { readonly kind: "again"; readonly batch: OutgoingBatch }
  /** Resumed when the lock is ours; released when the operation ends. */
  | { readonly kind: "lock"; readonly key: string };

export type Steps<T> = Generator<Wait, T, readonly BatchResult[]>;

export type Operation<T> = Steps<Answer<T>>;

/**
 * Unwinds an operation to its boundary, where it becomes a value of {@link Answer}. Thrown only inside generators of this
 * package: the kernel functions they model unwind with `goto`, and passing a union through every `yield*` would hide them.
 */
export class OperationFailed {
  /** Not an Error: nobody ever looks at the stack, and to record it costs as much as the rest of a short operation. */
  constructor(readonly error: OperationError) {}
}

export function fail(code: OperationError["code"], message: string, definite = true): never {
  throw new OperationFailed({ code, definite, message });
}
