import type { EventFact } from "@vmcslab/history";
import {
  type Batch,
  BatchTarget,
  type BatchTiming,
  type Completion,
  CpuLease,
  type CpuReport,
  isCrossCpuCall,
  type Timer,
} from "@vmcslab/nested";
import { type CpuModel, Memory, Processor } from "@vmcslab/vmx";
import type { NodeClock } from "../engine/node-clock.js";
import { flushes, type Message } from "./messages.js";

export interface CpuNodeOptions {
  readonly cpu: number;
  readonly model: CpuModel;
  readonly clock: NodeClock;
  /** How often it says that it is there, in ns of its clock. */
  readonly beatNs: number;
  readonly send: (message: Message) => void;
  readonly emit: (incarnation: number, fact: EventFact) => void;
  /** A number that no life of any CPU had before. */
  readonly newIncarnation: () => number;
  /** How long the processor was busy with a batch, in ns; it answers then. Asked once for each that is executed. */
  readonly executionNs: (incarnation: number, batch: Batch, completion: Completion) => number;
  /** How long each VMCLEAR of a batch took of that, in order, and what time it is. Absent: nothing is timed. */
  readonly timedBy?: {
    nowNs(): number;
    flushesNs(incarnation: number, batch: Batch, completion: Completion): readonly number[];
  };
  /** Does not stop when its lease ends: wrong on purpose, for a mutant. */
  readonly ignoresLease?: boolean;
}

/** A batch, and when it arrived in virtual time, if anybody asks. */
interface Arrived {
  readonly batch: Batch;
  readonly atNs: number;
}

/** One CPU service: the same processor, batch target and lease as in a process, its loop turned by virtual time. */
export class CpuNode {
  readonly cpu: number;
  readonly #options: CpuNodeOptions;
  #processor: Processor;
  #target: BatchTarget;
  #lease = new CpuLease();
  #incarnation = 0;
  /** L0's session that this life serves; 0: none yet. */
  #session = 0;
  /** What it held when that session took it over, until the session's first batch arrives. */
  #held: CpuReport | undefined;
  #alive = false;
  #leaseTimer: Timer | undefined;
  #busyUntilNs = 0;
  /** While it is stalled: what arrived and which timers fired. */
  #stalled: (() => void)[] | undefined;
  #crashAtFlush: "before" | "after" | undefined;
  /** Arrived, and not executed yet. */
  readonly #waiting = new Map<number, Arrived>();
  /** By recorded completion, for when it is asked for again. */
  readonly #timings = new WeakMap<Completion, BatchTiming>();

  constructor(options: CpuNodeOptions) {
    this.#options = options;
    this.cpu = options.cpu;
    [this.#processor, this.#target] = this.#newProcessor();
  }

  get processor(): Processor {
    return this.#processor;
  }

  get isAlive(): boolean {
    return this.#alive;
  }

  get incarnation(): number {
    return this.#incarnation;
  }

  /** The process starts, for the first time or again. */
  start(): void {
    if (this.#alive) return;
    this.#alive = true;
    [this.#processor, this.#target] = this.#newProcessor();
    this.#beginLife();
    this.#beatAgain();
  }

  /** The process dies. What it sent is on its way. */
  crash(): void {
    this.#alive = false;
    this.#stalled = undefined;
    this.#crashAtFlush = undefined;
    this.#leaseTimer = undefined;
    this.#options.clock.forget();
  }

  /** It dies at the next write-back: when the batch arrives, or when it was executed and not answered. */
  crashAtFlush(when: "before" | "after" | undefined): void {
    this.#crashAtFlush = when;
  }

  /** Nothing happens here until it goes on: no message is taken, no timer fires; time passes. */
  stall(): void {
    this.#stalled ??= [];
  }

  goOn(): void {
    const waiting = this.#stalled ?? [];
    this.#stalled = undefined;
    for (const happen of waiting) if (this.#alive) this.#whenAwake(happen);
  }

  receive(message: Message): void {
    if (!this.#alive) return;
    this.#whenAwake(() => {
      if (message.kind === "batch") this.#batch(message);
      else if (message.kind === "grant") this.#grant(message);
    });
  }

  #newProcessor(): [Processor, BatchTarget] {
    const { cpu, model, emit } = this.#options;
    const memory = new Memory();
    const processor = new Processor({ cpu, model, memory });
    const target = new BatchTarget({
      cpu,
      processor,
      memory,
      revision: model.revision,
      emit: (fact) => emit(this.#incarnation, fact),
    });
    return [processor, target];
  }

  #beginLife(): void {
    this.#incarnation = this.#options.newIncarnation();
    this.#lease = new CpuLease();
    this.#session = 0;
    this.#held = undefined;
    this.#waiting.clear();
    this.#busyUntilNs = 0;
    this.#leaseTimer?.cancel();
    this.#leaseTimer = undefined;
  }

  #beatAgain(): void {
    const { clock, beatNs } = this.#options;
    this.#beat();
    clock.afterNs(beatNs, () => this.#whenAwake(() => this.#beatAgain()));
  }

  #beat(): void {
    const { clock, send } = this.#options;
    const beat = this.#lease.beat(clock.nowNs);
    const held = this.#held === undefined ? {} : { held: { session: this.#session, report: this.#held } };
    send({ kind: "beat", incarnation: this.#incarnation, beat, ...held });
  }

  #grant(grant: Extract<Message, { kind: "grant" }>): void {
    if (grant.incarnation !== this.#incarnation) return;
    if (grant.over) {
      this.#giveUp();
      return;
    }
    const isNew = grant.session > this.#session;
    if (isNew) this.#serve(grant.session, grant.takesOver === true);
    this.#lease.granted(grant.beat, grant.durationNs);
    if (this.#leaseTimer === undefined) this.#watchLease();
    if (isNew && this.#held !== undefined) this.#beat();
  }

  #batch({ session, batch, acknowledged, losesReply }: Extract<Message, { kind: "batch" }>): void {
    if (session < this.#session || !this.#holdsLease()) return;
    if (session > this.#session) this.#serve(session, false);
    this.#held = undefined;
    const isFlush = this.#crashAtFlush !== undefined && flushes(batch.instructions);
    if (isFlush && this.#crashAtFlush === "before") {
      this.crash();
      return;
    }
    const { executed } = this.#target;
    if (batch.id > executed && !this.#waiting.has(batch.id))
      this.#waiting.set(batch.id, { batch, atNs: this.#options.timedBy?.nowNs() ?? 0 });
    const completions = this.#target.receive(batch, acknowledged);
    if (isFlush) {
      this.crash();
      return;
    }
    for (const completion of completions) {
      // With this batch may come those that waited for it; or it was executed before, and costs nothing again.
      const fresh = this.#waiting.get(completion.id);
      this.#waiting.delete(completion.id);
      const busyNs = fresh === undefined ? 0 : this.#options.executionNs(this.#incarnation, fresh.batch, completion);
      if (fresh !== undefined) this.#time(fresh, completion, busyNs);
      this.#answer(session, fresh?.batch ?? batch, this.#timed(completion), busyNs, losesReply === true);
    }
  }

  /** It begins when what the processor is busy with is done, and takes as long as it costs. */
  #time({ batch, atNs }: Arrived, completion: Completion, busyNs: number): void {
    const { timedBy, clock } = this.#options;
    if (timedBy === undefined || !isCrossCpuCall(batch)) return;
    const busyBeforeNs = Math.max(0, this.#busyUntilNs - clock.nowNs);
    this.#timings.set(completion, {
      receivedNs: atNs,
      waitedNs: timedBy.nowNs() - atNs + busyBeforeNs,
      executedNs: busyNs,
      flushedNs: timedBy.flushesNs(this.#incarnation, batch, completion),
    });
  }

  #timed(completion: Completion): Completion {
    const timing = this.#timings.get(completion);
    return timing === undefined ? completion : { ...completion, timing };
  }

  #answer(session: number, batch: Batch, completion: Completion, busyNs: number, isLost: boolean): void {
    const { clock, send } = this.#options;
    const message: Message = { kind: "completion", session, batch, completion, ...(isLost ? { isLost } : {}) };
    const nowNs = clock.nowNs;
    this.#busyUntilNs = Math.max(this.#busyUntilNs, nowNs) + busyNs;
    if (this.#busyUntilNs <= nowNs) send(message);
    else clock.afterNs(this.#busyUntilNs - nowNs, () => this.#whenAwake(() => send(message)));
  }

  /** A session of L0 that it did not know: unless it goes on with what is cached here, it knows nothing of it. */
  #serve(session: number, takesOver: boolean): void {
    this.#session = session;
    this.#waiting.clear();
    if (takesOver) this.#held = this.#target.takeOver();
    else {
      this.#held = undefined;
      this.#target.newSession();
    }
  }

  /** Whether it may execute for L0. Notices an end of its lease that no timer has told it of yet, as after a stall. */
  #holdsLease(): boolean {
    const { clock, ignoresLease } = this.#options;
    if (this.#lease.isHeld(clock.nowNs)) return true;
    if (this.#lease.endsNs === Number.NEGATIVE_INFINITY) return false;
    if (ignoresLease === true) return true;
    this.#expire();
    return false;
  }

  #watchLease(): void {
    const { clock, ignoresLease } = this.#options;
    const { endsNs } = this.#lease;
    if (!Number.isFinite(endsNs) || ignoresLease === true) return;
    this.#leaseTimer = clock.afterNs(endsNs - clock.nowNs, () => {
      this.#whenAwake(() => {
        this.#leaseTimer = undefined;
        if (this.#holdsLease()) this.#watchLease();
      });
    });
  }

  #expire(): void {
    const { emit, cpu } = this.#options;
    const count = this.#processor.activeVmcss().length;
    emit(this.#incarnation, { kind: "lease.expired", operation: 0, cpu, epoch: this.#incarnation, count });
    this.#giveUp();
  }

  /** This life is over and the next begins, with nothing. */
  #giveUp(): void {
    this.#target.newSession();
    this.#beginLife();
  }

  #whenAwake(happen: () => void): void {
    if (this.#stalled === undefined) happen();
    else this.#stalled.push(happen);
  }
}
