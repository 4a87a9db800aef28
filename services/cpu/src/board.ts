import type { EventFact } from "@vmcslab/history";
import { type Batch, BatchTarget, type Completion, type CpuReport } from "@vmcslab/nested";
import type { BatchStopwatch, InterconnectTarget } from "@vmcslab/runtime";
import { type CpuModel, Memory, Processor } from "@vmcslab/vmx";
import type { CpuLife } from "./life.js";
import { type CpuSafeguard, EveryBatchIsNew } from "./sabotage.js";

export interface BoardOptions {
  readonly cpu: number;
  readonly model: CpuModel;
  /** The life it is in, and whether L0 lets it execute. */
  readonly life: Pick<CpuLife, "incarnation" | "holdsLease">;
  readonly emit: (fact: EventFact) => void;
  /** IA32_FEATURE_CONTROL as firmware leaves it. Default: locked, VMX outside SMX. */
  readonly featureControl?: number;
  /** Default: as much as anybody addresses. */
  readonly memoryBytes?: number;
  /** Takes the times of cross-CPU calls. Absent: nobody does. */
  readonly stopwatch?: BatchStopwatch;
  /** For tests: a safeguard that it goes without. */
  readonly without?: CpuSafeguard;
}

/** One processor with its memory, and what L0 does with it. People's instructions (`instructions.ts`) reach the same processor. */
export class Board implements InterconnectTarget {
  readonly cpu: number;
  readonly model: CpuModel;
  readonly memory: Memory;
  readonly processor: Processor;
  readonly stopwatch?: BatchStopwatch;
  readonly #life: BoardOptions["life"];
  readonly #target: BatchTarget;
  readonly #everyBatchIsNew: EveryBatchIsNew | undefined;
  /** The process dies at the next batch that flushes a VMCS: before it executes anything of it, or when it has executed all of it. */
  crashAtFlush: { readonly when: "beforeFlush" | "afterFlush"; readonly die: () => void } | undefined;
  #session = 0;
  /** What was here when this session took over. */
  #report: CpuReport | undefined;

  constructor({ cpu, model, life, emit, featureControl, memoryBytes, without, stopwatch }: BoardOptions) {
    if (stopwatch !== undefined) this.stopwatch = stopwatch;
    if (without === "retryIdentity") this.#everyBatchIsNew = new EveryBatchIsNew();
    this.cpu = cpu;
    this.model = model;
    this.#life = life;
    const memory = new Memory(memoryBytes === undefined ? {} : { bytes: memoryBytes });
    this.memory = memory;
    this.processor = new Processor({ cpu, model, memory, featureControl });
    this.#target = new BatchTarget({
      ...{ cpu, processor: this.processor, memory, revision: model.revision, emit },
      ...(stopwatch === undefined ? {} : { stopwatch }),
    });
  }

  /** This life of the CPU: its events and its registration carry it. */
  get incarnation(): number {
    return this.#life.incarnation;
  }

  holdsLease(): boolean {
    return this.#life.holdsLease();
  }

  /** An L0 has said hello: what this processor does is its decision, and it would not learn what somebody else did. */
  get hasOwner(): boolean {
    return this.#session !== 0;
  }

  /** A new L0 finds the processor reset, because it knows nothing of what is cached here; or as the last one left it, if it remembers that one. */
  open(session: number, takesOver: boolean): CpuReport | undefined {
    if (session !== this.#session) {
      this.#session = session;
      this.#everyBatchIsNew?.restart();
      this.#report = takesOver ? this.#target.takeOver() : undefined;
      if (!takesOver) this.#target.newSession();
    }
    return this.#report;
  }

  /** This life is over: what is cached here is forgotten, as nobody may use it any more. */
  forget(): void {
    this.#session = 0;
    this.#everyBatchIsNew?.restart();
    this.#report = undefined;
    this.#target.newSession();
  }

  receive(batch: Batch): readonly Completion[] {
    const crash = this.crashAtFlush;
    if (crash === undefined || !flushes(batch)) return this.#execute(batch);
    if (crash.when === "beforeFlush") crash.die();
    const completions = this.#execute(batch);
    crash.die();
    return completions;
  }

  #execute(batch: Batch): readonly Completion[] {
    const execute = (numbered: Batch): readonly Completion[] => this.#target.receive(numbered, 0);
    return this.#everyBatchIsNew?.receive(batch, execute) ?? execute(batch);
  }

  acknowledge(upTo: number): void {
    if (this.#everyBatchIsNew === undefined) this.#target.acknowledge(upTo);
  }
}

/** A VMCLEAR that writes back: the first one of a fresh region does not. */
function flushes({ instructions }: Batch): boolean {
  return instructions.some((step) => step.kind === "vmclear" && step.epoch !== 0);
}
