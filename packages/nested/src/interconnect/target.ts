import type { Batch, Completion, InstructionResult } from "./batch.js";
import type { CpuReport } from "./cpu-report.js";
import { isExpected } from "./expected.js";
import { type BatchTargetOptions, StepExecutor } from "./step-executor.js";
import { isCrossCpuCall, type Stopwatch } from "./timing.js";

const NOTHING: readonly Completion[] = [];

/**
 * The CPU's side of the interconnect: executes batches on its processor, each once and in the order of their numbers, whatever happens on the way. A batch may arrive twice, late, or before
 * those it follows; a completion is kept until it is acknowledged. What a VMCLEAR flushed is kept longer, until the region is loaded here again, so that no lost reply and no late retry loses it.
 */
export class BatchTarget {
  readonly #executor: StepExecutor;
  readonly #stopwatch: Stopwatch | undefined;
  readonly #completions = new Map<number, Completion>();
  /** Arrived before a batch with a smaller number. */
  readonly #early = new Map<number, Batch>();
  #executed = 0;
  #acknowledged = 0;

  constructor(options: BatchTargetOptions) {
    this.#executor = new StepExecutor(options);
    this.#stopwatch = options.stopwatch;
  }

  /**
   * A batch arrived, and with it how far L0 acknowledges. What is to be answered: its recorded completion when it was executed before; its own and those of batches that waited for it;
   * nothing when it must wait for an earlier one itself, or was acknowledged long ago.
   */
  receive(batch: Batch, acknowledged: number): readonly Completion[] {
    this.acknowledge(acknowledged);
    if (batch.id <= this.#acknowledged) return NOTHING;
    const recorded = this.#completions.get(batch.id);
    if (recorded !== undefined) return [recorded];
    if (batch.id !== this.#executed + 1) {
      this.#early.set(batch.id, batch);
      return NOTHING;
    }
    const completions = [this.#execute(batch)];
    for (let next = this.#takeEarly(); next !== undefined; next = this.#takeEarly())
      completions.push(this.#execute(next));
    return completions;
  }

  /** L0 has applied all completions up to this number. */
  acknowledge(upTo: number): void {
    for (let id = this.#acknowledged + 1; id <= upTo; id++) this.#completions.delete(id);
    this.#acknowledged = Math.max(this.#acknowledged, upTo);
  }

  /** Number of the last batch executed. */
  get executed(): number {
    return this.#executed;
  }

  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Completions kept until they are acknowledged. */
  get retained(): number {
    return this.#completions.size;
  }

  /** Another L0 takes over, or this CPU begins a new life: nothing is known of what is cached here. */
  newSession(): void {
    this.#executor.reset();
    this.#forgetBatches();
  }

  /** The next life of L0 takes over and remembers: what is active here stays, and it is told. Completions of the last life's batches are nobody's. */
  takeOver(): CpuReport {
    this.#forgetBatches();
    return this.#executor.report();
  }

  #forgetBatches(): void {
    this.#completions.clear();
    this.#early.clear();
    this.#executed = 0;
    this.#acknowledged = 0;
  }

  #takeEarly(): Batch | undefined {
    const next = this.#early.get(this.#executed + 1);
    if (next !== undefined) this.#early.delete(next.id);
    return next;
  }

  #execute(batch: Batch): Completion {
    const { id, cpu } = batch;
    this.#executed = id;
    const stopwatch = isCrossCpuCall(batch) ? this.#stopwatch : undefined;
    stopwatch?.begins(batch);
    const results = this.#executeSteps(batch, stopwatch);
    const completion = stopwatch === undefined ? { id, cpu, results } : { id, cpu, results, timing: stopwatch.ended() };
    this.#completions.set(id, completion);
    return completion;
  }

  /** From first to last; one that does not end as expected is the last. */
  #executeSteps({ operation, instructions }: Batch, stopwatch: Stopwatch | undefined): InstructionResult[] {
    const results: InstructionResult[] = [];
    this.#executor.begin(operation);
    for (const instruction of instructions) {
      const isFlush = instruction.kind === "vmclear";
      if (isFlush) stopwatch?.vmclearBegins();
      const result = this.#executor.execute(instruction);
      if (isFlush) stopwatch?.vmclearEnded();
      results.push(result);
      if (!isExpected(instruction, result)) break;
    }
    this.#executor.begin(0);
    return results;
  }
}
