import type { EventFact } from "@vmcslab/history";
import {
  type Answer,
  type Batch,
  type BatchResult,
  BatchTarget,
  type Completion,
  Executive,
  type HostConfig,
  Hypervisor,
  type Operation,
  type OperationError,
  type OutgoingBatch,
} from "@vmcslab/nested";
import { type CpuModel, invariant, Memory, Processor } from "@vmcslab/vmx";

/** What is done to the next batches to a CPU instead of delivering and answering them. */
export type LinkFault =
  /** The batch is lost on the way. The CPU executes batches in the order of their numbers, so it is sent again before anything else is executed. */
  | "dropRequest"
  /** The CPU executes it; L0 never sees the completion. */
  | "dropReply"
  /** It is never sent, and L0 is told so: nothing was executed. */
  | "unreachable";

/** A batch as it went over the link, for whoever wants to show it. */
export interface Delivery {
  readonly batch: OutgoingBatch;
  readonly completion: Completion | undefined;
  readonly fault: LinkFault | undefined;
  /** L0 asked again for a batch that it had sent before. */
  readonly again: boolean;
}

/** Carries things to and from the CPUs: per CPU and direction in order, and as late as it likes. */
export interface Links {
  toCpu(cpu: number, arrive: () => void): void;
  fromCpu(cpu: number, arrive: () => void): void;
}

const INSTANT_LINKS: Links = {
  toCpu: (_cpu, arrive) => arrive(),
  fromCpu: (_cpu, arrive) => arrive(),
};

export interface BoardOptions extends HostConfig {
  readonly cpus: number;
  /** `incarnation`: which life of the source it is, as in HistoryEvent. */
  readonly emit: (source: string, incarnation: number, fact: EventFact) => void;
  readonly onDelivery?: (delivery: Delivery) => void;
  /** Default: everything arrives at once, and an operation has ended when it was begun. */
  readonly links?: Links;
}

interface Sent {
  readonly target: BoardCpu;
  readonly id: number;
}

/** One CPU of the board: the same processor and batch target as in a CPU service. */
class BoardCpu {
  readonly processor: Processor;
  readonly target: BatchTarget;
  readonly faults: LinkFault[] = [];
  nextBatch = 1;
  alive = true;
  /** Sent and not arrived. */
  #lost: Batch[] = [];
  readonly #answered = new Set<number>();
  readonly #withdrawn = new Set<number>();
  #acknowledged = 0;

  constructor(
    readonly number: number,
    readonly incarnation: number,
    model: CpuModel,
    emit: (fact: EventFact) => void,
  ) {
    const memory = new Memory();
    this.processor = new Processor({ cpu: number, model, memory });
    this.target = new BatchTarget({ cpu: number, processor: this.processor, memory, revision: model.revision, emit });
  }

  /** A batch arrives, unless it is lost. Batches are executed in the order of their numbers, so it brings along those that were lost before it. */
  receive(batch: Batch, isLost: boolean): Completion | undefined {
    if (!this.#lost.some(({ id }) => id === batch.id)) this.#lost.push(batch);
    if (isLost) return undefined;
    const due = this.#lost.filter(({ id }) => id <= batch.id).sort((a, b) => a.id - b.id);
    this.#lost = this.#lost.filter(({ id }) => id > batch.id);
    const completion = due.flatMap((next) => this.target.receive(next, 0)).at(-1);
    for (const { id } of due) if (this.#withdrawn.delete(id)) this.settled(id);
    return completion;
  }

  /** An empty batch fills the place of one that was never sent. */
  withdraw(empty: Batch): void {
    this.#lost.push(empty);
    this.#withdrawn.add(empty.id);
  }

  /** L0 has this completion: all before the first that it does not have are acknowledged. */
  settled(id: number): void {
    this.#answered.add(id);
    while (this.#answered.delete(this.#acknowledged + 1)) this.#acknowledged++;
    this.target.acknowledge(this.#acknowledged);
  }
}

/** A whole host in one process, without promises: L0's core and the CPUs' cores as they are, joined by links. */
export class Board {
  readonly hypervisor: Hypervisor;
  readonly #cpus = new Map<number, BoardCpu>();
  readonly #executive: Executive;
  readonly #options: BoardOptions;
  /** Batches that may be asked for again: to which life of a CPU they went, and their number there. */
  readonly #sent = new WeakMap<OutgoingBatch, Sent>();
  #incarnations = 0;

  constructor(options: BoardOptions) {
    this.#options = options;
    this.hypervisor = new Hypervisor(options, {
      emit: (fact) => options.emit("l0", 1, fact),
      begin: (operation) => this.start(operation, () => undefined),
    });
    this.#executive = new Executive({
      send: (batch, done) => this.#send(batch, done),
      again: (batch, done) => this.#again(batch, done),
    });
    for (let cpu = 0; cpu < options.cpus; cpu++) this.register(cpu);
  }

  /** Begins an operation; `done` when it has ended. */
  start<T>(operation: Operation<T>, done: (answer: Answer<T>) => void): void {
    this.#executive.run(operation, done);
  }

  /** As {@link start}, where links deliver at once. */
  run<T>(operation: Operation<T>): Answer<T> {
    let answer: Answer<T> | undefined;
    this.start(operation, (ended) => {
      answer = ended;
    });
    invariant(answer !== undefined, "over links that deliver at once an operation has ended when it was begun");
    return answer;
  }

  /** Operations begun and not ended. */
  get inFlight(): number {
    return this.#executive.inFlight;
  }

  /** A CPU service starts, for the first time or again. L0 may use it when `done` is told so. */
  register(number: number, done: (answer: Answer<void>) => void = () => undefined): void {
    const incarnation = ++this.#incarnations;
    const emit = (fact: EventFact): void => this.#options.emit(`cpu${number}`, incarnation, fact);
    const cpu = new BoardCpu(number, incarnation, this.#options.model, emit);
    this.#cpus.set(number, cpu);
    this.start(this.hypervisor.registerCpu(number, cpu.incarnation), done);
  }

  /** A CPU service dies, and L0 notices. */
  kill(number: number): void {
    this.#cpu(number).alive = false;
    this.hypervisor.cpuLost(number);
  }

  injectFault(number: number, fault: LinkFault, times: number): void {
    const cpu = this.#cpu(number);
    for (let i = 0; i < times; i++) cpu.faults.push(fault);
  }

  /** Whatever was injected and has not struck yet will not. */
  clearFaults(): void {
    for (const cpu of this.#cpus.values()) cpu.faults.length = 0;
  }

  /** As hypervisor engineers write it: current and active VMCSs of a CPU, by region. */
  processor(number: number): Processor {
    return this.#cpu(number).processor;
  }

  get cpuNumbers(): number[] {
    return [...this.#cpus.keys()].sort((a, b) => a - b);
  }

  isAlive(number: number): boolean {
    return this.#cpus.get(number)?.alive === true;
  }

  #cpu(number: number): BoardCpu {
    const cpu = this.#cpus.get(number);
    invariant(cpu !== undefined, `the board has a CPU ${number}`);
    return cpu;
  }

  #send(batch: OutgoingBatch, done: (result: BatchResult) => void): void {
    const target = this.#cpu(batch.cpu);
    const sent = { target, id: target.nextBatch++ };
    if (batch.askedAgain === true) this.#sent.set(batch, sent);
    this.#carry(batch, sent, false, done);
  }

  #again(batch: OutgoingBatch, done: (result: BatchResult) => void): void {
    const sent = this.#sent.get(batch);
    invariant(sent !== undefined, "only a batch that was sent is asked for again");
    this.#carry(batch, sent, true, done);
  }

  #carry(batch: OutgoingBatch, sent: Sent, again: boolean, done: (result: BatchResult) => void): void {
    const links = this.#options.links ?? INSTANT_LINKS;
    links.toCpu(batch.cpu, () => {
      const result = this.#deliver(batch, sent, again);
      // What a CPU sent before it died is lost with its connection.
      links.fromCpu(batch.cpu, () => done(sent.target.alive ? result : { ok: false, error: unavailable(batch.cpu) }));
    });
  }

  #deliver(batch: OutgoingBatch, { target, id }: Sent, again: boolean): BatchResult {
    if (!target.alive) return { ok: false, error: unavailable(batch.cpu) };
    const next = target.faults.shift();
    // Of a batch that was sent before nobody can say that nothing was executed.
    const fault = again && next === "unreachable" ? "dropRequest" : next;
    if (fault === "unreachable") {
      // Batches are executed without gaps in their numbers: an empty one goes along with the next.
      target.withdraw({ ...batch, id, instructions: [] });
      return { ok: false, error: unavailable(batch.cpu) };
    }
    const completion = target.receive({ ...batch, id }, fault === "dropRequest");
    this.#options.onDelivery?.({ batch, completion, fault, again });
    if (fault !== undefined || completion === undefined) return { ok: false, error: deadline(batch.cpu) };
    target.settled(id);
    return { ok: true, completion };
  }
}

function unavailable(cpu: number): OperationError {
  return { code: "cpuUnavailable", definite: true, message: `CPU ${cpu} is not there` };
}

function deadline(cpu: number): OperationError {
  return {
    code: "deadline",
    definite: false,
    message: `CPU ${cpu} did not answer before the deadline: it may or may not have executed the batch`,
  };
}
