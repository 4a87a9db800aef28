import type { EventFact } from "@vmcslab/history";
import { type Batch, BatchTarget, type Completion } from "@vmcslab/nested";
import type { InterconnectTarget } from "@vmcslab/runtime";
import { type CpuModel, Memory, Processor } from "@vmcslab/vmx";

/** One processor with its memory, and what L0 does with it. People's instructions (`instructions.ts`) reach the same processor. */
export class Board implements InterconnectTarget {
  readonly cpu: number;
  readonly model: CpuModel;
  readonly memory = new Memory();
  readonly processor: Processor;
  /** This life of the service: its events and its registration carry it. */
  readonly incarnation: number;
  readonly #target: BatchTarget;
  #session = 0;

  constructor(cpu: number, model: CpuModel, incarnation: number, emit: (fact: EventFact) => void) {
    this.cpu = cpu;
    this.model = model;
    this.incarnation = incarnation;
    const { memory } = this;
    this.processor = new Processor({ cpu, model, memory });
    this.#target = new BatchTarget({ cpu, processor: this.processor, memory, revision: model.revision, emit });
  }

  /** Every new L0 finds the processor reset: whatever is cached here is not known to it. */
  open(session: number): void {
    if (session === this.#session) return;
    this.#session = session;
    this.#target.newSession();
  }

  execute(batch: Batch): Completion {
    return this.#target.execute(batch);
  }

  acknowledge(upTo: number): void {
    this.#target.acknowledge(upTo);
  }
}
