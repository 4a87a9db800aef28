import { type Batch, type Completion, isCrossCpuCall } from "@vmcslab/nested";
import {
  BatchCost,
  type CostModel,
  type CycleTotals,
  cyclesToNs,
  type IpiDirection,
  ipiOneWayCycles,
  type Message,
  mergeTotals,
} from "@vmcslab/sim";

interface Life {
  readonly incarnation: number;
  readonly cost: BatchCost;
}

/** What everything costs on a simulated host, in virtual time, and where the time went. */
export class CycleLedger {
  readonly model: CostModel;
  readonly #lives: Life[] = [];
  readonly #ended: BatchCost[] = [];
  readonly #ipiNs: Readonly<Record<IpiDirection, number>>;

  constructor(model: CostModel) {
    this.model = model;
    this.#ipiNs = {
      ipiSend: this.#ns(ipiOneWayCycles(model, "ipiSend")),
      ipiAck: this.#ns(ipiOneWayCycles(model, "ipiAck")),
    };
  }

  /** How long a CPU is busy with a batch that it has executed. */
  readonly executionNs = (cpu: number, incarnation: number, batch: Batch, { results }: Completion): number =>
    this.#ns(this.#costOf(cpu, incarnation).charge(batch.instructions, results));

  /** How long each of its VMCLEARs took of that. */
  readonly flushesNs = (cpu: number, incarnation: number, batch: Batch, { results }: Completion): readonly number[] =>
    this.#costOf(cpu, incarnation)
      .flushes(batch.instructions, results)
      .map((cycles) => this.#ns(cycles));

  /**
   * How long a message is on its way. Only a call from another CPU travels: what L0 sends to a vcpu's own CPU are instructions that a kernel executes where it
   * runs, and beats and grants are the interconnect's.
   */
  readonly latencyNs = (message: Message, cpu: number): number => {
    if ((message.kind !== "batch" && message.kind !== "completion") || !isCrossCpuCall(message.batch)) return 0;
    const direction = message.kind === "batch" ? "ipiSend" : "ipiAck";
    this.#lives[cpu]?.cost.chargeIpi(direction);
    return this.#ipiNs[direction];
  };

  /** Cycles by row, of all CPUs in all their lives. */
  totals(): CycleTotals {
    return mergeTotals(...[...this.#ended, ...this.#lives.map(({ cost }) => cost)].map((cost) => cost.totals()));
  }

  #costOf(cpu: number, incarnation: number): BatchCost {
    const life = this.#lives[cpu];
    if (life?.incarnation === incarnation) return life.cost;
    if (life !== undefined) this.#ended.push(life.cost);
    const cost = new BatchCost(this.model);
    this.#lives[cpu] = { incarnation, cost };
    return cost;
  }

  /** Virtual time is counted in whole nanoseconds. */
  #ns(cycles: number): number {
    return Math.round(cyclesToNs(cycles, this.model.ghz));
  }
}
