import type { Batch, Completion, InstructionResult } from "./batch.js";
import { isExpected } from "./expected.js";
import { type BatchTargetOptions, StepExecutor } from "./step-executor.js";

/**
 * The CPU's side of the interconnect: executes batches on its processor. A batch is executed once, whatever happens to its completion; a completion is kept until
 * it is acknowledged. What a VMCLEAR flushed is kept longer, until the region is loaded here again, so that no lost reply and no late retry loses it.
 */
export class BatchTarget {
  readonly #executor: StepExecutor;
  readonly #completions = new Map<number, Completion>();
  #acknowledged = 0;

  constructor(options: BatchTargetOptions) {
    this.#executor = new StepExecutor(options);
  }

  execute(batch: Batch): Completion {
    const recorded = this.#completions.get(batch.id);
    if (recorded !== undefined) return recorded;
    if (batch.id <= this.#acknowledged)
      throw new RangeError(`batch ${batch.id} was acknowledged up to ${this.#acknowledged}`);
    const completion = { id: batch.id, cpu: batch.cpu, results: this.#executeSteps(batch) };
    this.#completions.set(batch.id, completion);
    return completion;
  }

  /** L0 has applied all completions up to this id. */
  acknowledge(upTo: number): void {
    for (let id = this.#acknowledged + 1; id <= upTo; id++) this.#completions.delete(id);
    this.#acknowledged = Math.max(this.#acknowledged, upTo);
  }

  /** Completions kept until they are acknowledged. */
  get retained(): number {
    return this.#completions.size;
  }

  /** Another L0 takes over: it knows nothing of what is cached here. */
  newSession(): void {
    this.#executor.reset();
    this.#completions.clear();
    this.#acknowledged = 0;
  }

  /** From first to last; one that does not end as expected is the last. */
  #executeSteps({ operation, instructions }: Batch): InstructionResult[] {
    const results: InstructionResult[] = [];
    this.#executor.begin(operation);
    for (const instruction of instructions) {
      const result = this.#executor.execute(instruction);
      results.push(result);
      if (!isExpected(instruction, result)) break;
    }
    this.#executor.begin(0);
    return results;
  }
}
