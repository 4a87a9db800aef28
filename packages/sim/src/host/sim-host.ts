import {
  type Fault,
  FaultDriver,
  FaultSet,
  type FaultVictims,
  MessageFaults,
  type RandomStream,
  strikeWith,
} from "@vmcslab/faults";
import { EVENT_KINDS, type EventFact, type EventKind, type HistoryEvent } from "@vmcslab/history";
import type {
  Answer,
  Batch,
  BatchResult,
  Completion,
  HostConfig,
  Hypervisor,
  LeaseTerms,
  Operation,
  OutgoingBatch,
} from "@vmcslab/nested";
import { NodeClock } from "../engine/node-clock.js";
import { Scheduler } from "../engine/scheduler.js";
import { CpuNode } from "./cpu-node.js";
import { type JournalWatch, SimJournal } from "./journal.js";
import { L0Node } from "./l0-node.js";
import { L0, type Message, type NodeId } from "./messages.js";
import { type MessageRecord, SimNetwork } from "./network.js";
import { SimRecorder } from "./recorder.js";

/** What a mutant may put between the cores and the world. Absent: the true design. */
export interface Saboteur {
  /** Sees the host before it starts. */
  install?(host: SimHost): void;
  /** A new life of L0 begins. */
  hypervisor?(hypervisor: Hypervisor): void;
  /** A batch on its way from the core to the link. */
  batch?(
    batch: OutgoingBatch,
    done: (result: BatchResult) => void,
    send: (batch: OutgoingBatch, done: (result: BatchResult) => void) => void,
  ): void;
  operation?<T>(operation: Operation<T>): Operation<T>;
  /** A fact that L0 states; what it returns is recorded instead. */
  fact?(fact: EventFact): EventFact | undefined;
  /** A batch arrives at a CPU; what it returns is executed instead. */
  arriving?(cpu: CpuNode, batch: Batch): Batch;
  /** A completion of the session that L0 has with a CPU arrives, before L0 looks at it: the first time, late, or once more. */
  completed?(batch: Batch, completion: Completion): void;
  /** L0 refused a write-back. */
  refused?(batch: Batch, completion: Completion): void;
  readonly ignoresLease?: boolean;
}

export interface SimHostOptions {
  readonly name: string;
  readonly cpus: number;
  readonly config: HostConfig;
  readonly lease: LeaseTerms;
  /** How often a CPU says that it is there, ns. */
  readonly beatNs: number;
  readonly deadlineMs: number;
  readonly resendAfterMs: number;
  /** Of one message one way, in whole ns. `cpu`: the CPU at the other end from L0. */
  readonly latency: (random: RandomStream, message: Message, cpu: number) => number;
  readonly inOrder: boolean;
  readonly faults: readonly Fault[];
  /** All randomness of this host comes from it. */
  readonly random: RandomStream;
  readonly observe: (event: HistoryEvent) => void;
  /** How long a processor is busy with a batch, in whole ns; asked once for each batch that is executed. `incarnation`: of the CPU. Default: no time. */
  readonly executionNs?: (cpu: number, incarnation: number, batch: Batch, completion: Completion) => number;
  /** How long each VMCLEAR of a batch took of that, in order. With it, cross-CPU clears are timed, phase by phase. */
  readonly flushesNs?: (cpu: number, incarnation: number, batch: Batch, completion: Completion) => readonly number[];
  /** Faults wait until `faults.start()`, because the workload does not begin with the host. Default: they do not. */
  readonly holdsFaults?: boolean;
  /** A new life of L0 begins. */
  readonly onL0?: (hypervisor: Hypervisor) => void;
  readonly onMessage?: (record: MessageRecord) => void;
  /** Events held while the bus is stopped; more are lost. Default: a million. */
  readonly busBuffer?: number;
  readonly saboteur?: Saboteur;
  /** L0 keeps a journal, and goes on from it after a crash. `durableNs`: how long a record takes to be safe. Absent: a new life of L0 knows nothing. */
  readonly journal?: { readonly durableNs: number; readonly watch?: JournalWatch };
}

const BUS_BUFFER = 1_000_000;

/** A whole host in virtual time, in one process: the cores as they are, on nodes with clocks, joined by a network with faults. One seed is one run. */
export class SimHost {
  readonly scheduler = new Scheduler();
  readonly recorder: SimRecorder;
  readonly network: SimNetwork;
  readonly faults: FaultDriver;
  readonly options: SimHostOptions;
  readonly #cpus: CpuNode[] = [];
  readonly #struck: FaultSet;
  /** Of the faults that nobody planned, one each. */
  readonly #injected: FaultDriver[] = [];
  readonly #clocks = new Map<NodeId, NodeClock>();
  /** Operations of callers that have not ended. */
  readonly #callers = new Set<(answer: Answer<never>) => void>();
  readonly #journal: SimJournal | undefined;
  #l0: L0Node | undefined;
  #incarnations = 0;
  #sessions = 0;
  #livesOfL0 = 0;

  constructor(options: SimHostOptions) {
    this.options = options;
    const { scheduler } = this;
    this.recorder = new SimRecorder({
      host: options.name,
      nowNs: () => scheduler.nowNs,
      observe: options.observe,
      bufferMax: options.busBuffer ?? BUS_BUFFER,
    });
    const messages = new MessageFaults(options.faults, options.random.fork("faults"));
    this.#struck = new FaultSet(messages);
    this.network = new SimNetwork({
      scheduler,
      latency: options.latency,
      inOrder: options.inOrder,
      random: options.random.fork("network"),
      faults: this.#struck,
      deliver: (from, to, message) => this.#deliver(from, to, message),
      failBatch: (session, id, definite) =>
        scheduler.at(scheduler.nowNs, () => this.#l0?.failBatch(session, id, definite)),
      ...(options.onMessage === undefined ? {} : { onMessage: options.onMessage }),
    });
    if (options.journal !== undefined)
      this.#journal = new SimJournal({ scheduler, random: options.random.fork("journal"), ...options.journal });
    options.saboteur?.install?.(this);
    this.#startL0();
    for (let cpu = 0; cpu < options.cpus; cpu++) this.#addCpu(cpu);
    this.faults = this.#newDriver(options.faults, messages);
    if (options.holdsFaults !== true) this.faults.start();
  }

  /** Undefined while L0 is down. */
  get hypervisor(): Hypervisor | undefined {
    return this.#l0?.hypervisor;
  }

  get l0(): L0Node | undefined {
    return this.#l0;
  }

  get cpus(): readonly CpuNode[] {
    return this.#cpus;
  }

  /** Operations of callers that have not ended. */
  get open(): number {
    return this.#callers.size;
  }

  /** Every CPU is up and L0 has taken it into use. */
  get isWhole(): boolean {
    const l0 = this.#l0;
    return l0 !== undefined && this.#cpus.every((cpu) => cpu.isAlive && l0.isRegistered(cpu.cpu, cpu.incarnation));
  }

  /** Begins an operation as a client of L0. `done` when it has ended; if L0 dies before, nobody knows how. */
  start<T>(begin: (hypervisor: Hypervisor) => Operation<T>, done: (answer: Answer<T>) => void): void {
    const l0 = this.#l0;
    if (l0 === undefined) {
      done({ ok: false, error: { code: "cpuUnavailable", definite: true, message: "L0 is down" } });
      return;
    }
    const caller = (answer: Answer<T>): void => {
      if (this.#callers.delete(caller)) done(answer);
    };
    this.#callers.add(caller);
    l0.run(begin(l0.hypervisor), caller);
  }

  /** Lets time pass until `isDone`, or until it is `limitNs`. Whether it is done. */
  runUntil(limitNs: number, isDone: () => boolean): boolean {
    while (!isDone()) if (!this.scheduler.step(limitNs)) return isDone();
    return true;
  }

  /** A fault that nobody planned begins now, or at its time or event from now on. It ends with its lease, or with {@link heal}. */
  inject(fault: Fault): void {
    const messages = new MessageFaults([fault], this.options.random.fork(`injected ${this.#injected.length}`));
    this.#struck.add(messages);
    const driver = this.#newDriver([fault], messages);
    this.#injected.push(driver);
    driver.add(fault);
  }

  /** Whatever was injected ends, and what waits for its time does not begin. */
  heal(): void {
    for (const driver of this.#injected) driver.healAll();
  }

  /** A CPU's process dies, and L0 learns it at once, as from a connection that is refused. */
  kill(cpu: number): void {
    this.#cpus[cpu]?.crash();
    this.#l0?.gone(cpu);
  }

  #newDriver(faults: readonly Fault[], messages: MessageFaults): FaultDriver {
    const { scheduler, options } = this;
    return new FaultDriver({
      faults,
      cpus: options.cpus,
      random: options.random.fork("fault times"),
      after: (delayNs, callback) => scheduler.at(scheduler.nowNs + delayNs, callback),
      begin: strikeWith(messages, this.#victims()),
      emit: (fact) => this.recorder.record("faults", 1, this.#clock(L0), fact),
      onEvent: (kind, listener) => this.recorder.on(asKind(kind), listener),
    });
  }

  #addCpu(number: number): void {
    const { options } = this;
    const { saboteur, flushesNs } = options;
    const clock = this.#clock(number);
    const cpu = new CpuNode({
      cpu: number,
      model: options.config.model,
      clock,
      beatNs: options.beatNs,
      send: (message) => this.network.send(number, L0, message),
      emit: (incarnation, fact) => this.recorder.record(`cpu${number}`, incarnation, clock, fact),
      newIncarnation: () => ++this.#incarnations,
      executionNs: (incarnation, batch, completion) =>
        options.executionNs?.(number, incarnation, batch, completion) ?? 0,
      ...(flushesNs === undefined
        ? {}
        : {
            timedBy: {
              nowNs: () => this.scheduler.nowNs,
              flushesNs: (incarnation, batch, completion) => flushesNs(number, incarnation, batch, completion),
            },
          }),
      ...(saboteur?.ignoresLease === true ? { ignoresLease: true } : {}),
    });
    this.#cpus.push(cpu);
    cpu.start();
  }

  #startL0(): void {
    const { options } = this;
    const { saboteur } = options;
    const incarnation = ++this.#livesOfL0;
    const clock = this.#clock(L0);
    const l0 = new L0Node({
      // Without a journal each life takes its pages from a part of memory of its own.
      config: this.#journal === undefined ? { ...options.config, life: incarnation - 1 } : options.config,
      ...(this.#journal === undefined ? {} : { journal: this.#journal }),
      terms: options.lease,
      clock,
      deadlineMs: options.deadlineMs,
      resendAfterMs: options.resendAfterMs,
      incarnation,
      send: (cpu, message) => this.network.send(L0, cpu, message),
      emit: (fact) => {
        const stated = saboteur?.fact === undefined ? fact : saboteur.fact(fact);
        if (stated !== undefined) this.recorder.record("l0", incarnation, clock, stated);
      },
      newSession: () => ++this.#sessions,
      ...(options.flushesNs === undefined ? {} : { timedBy: { nowNs: () => this.scheduler.nowNs } }),
      ...(saboteur?.batch === undefined ? {} : { intercept: saboteur.batch.bind(saboteur) }),
      ...(saboteur?.operation === undefined ? {} : { wrap: saboteur.operation.bind(saboteur) }),
      ...(saboteur?.completed === undefined ? {} : { onCompletion: saboteur.completed.bind(saboteur) }),
      ...(saboteur?.refused === undefined ? {} : { onRefused: saboteur.refused.bind(saboteur) }),
    });
    this.#l0 = l0;
    saboteur?.hypervisor?.(l0.hypervisor);
    options.onL0?.(l0.hypervisor);
  }

  #deliver(from: NodeId, to: NodeId, message: Message): void {
    if (to === L0) {
      this.#l0?.receive(from, message);
      return;
    }
    const cpu = this.#cpus[to];
    if (cpu === undefined) return;
    const { saboteur } = this.options;
    if (saboteur?.arriving !== undefined && message.kind === "batch")
      cpu.receive({ ...message, batch: saboteur.arriving(cpu, message.batch) });
    else cpu.receive(message);
  }

  #crashL0(): void {
    const l0 = this.#l0;
    if (l0 === undefined) return;
    this.#l0 = undefined;
    l0.crash();
    this.#journal?.crashed();
    const error = { code: "deadline", definite: false, message: "L0 went away" } as const;
    for (const caller of [...this.#callers]) caller({ ok: false, error });
  }

  #victims(): FaultVictims {
    const cpu = (number: number): CpuNode | undefined => this.#cpus[number];
    const operate = (begin: (hypervisor: Hypervisor) => Operation<unknown>): void => this.start(begin, () => undefined);
    return {
      stall: (number) => {
        cpu(number)?.stall();
        return () => cpu(number)?.goOn();
      },
      partition: (number) => {
        this.network.partition(number);
        return () => this.network.heal(number);
      },
      crash: (number, when) => {
        if (when === "now") cpu(number)?.crash();
        else cpu(number)?.crashAtFlush(when === "beforeFlush" ? "before" : "after");
        return () => {
          cpu(number)?.crashAtFlush(undefined);
          cpu(number)?.start();
        };
      },
      crashL0: () => {
        this.#crashL0();
        return () => {
          if (this.#l0 === undefined) this.#startL0();
        };
      },
      stopBus: () => {
        this.recorder.stop();
        return () => this.recorder.resume();
      },
      skew: (whose, ppm, offsetNs) => {
        const clock = this.#clock(whose === "l0" ? L0 : whose);
        clock.skew(ppm, offsetNs);
        return () => clock.skew(0, 0);
      },
      refuseAllocation: (what, times) => {
        this.hypervisor?.state.allocator.refuseNext(what, times);
        return () => this.hypervisor?.state.allocator.refuseNext(what, 0);
      },
      offline: (number) => {
        operate((hypervisor) => hypervisor.offlineCpu(number));
        return () => operate((hypervisor) => hypervisor.onlineCpu(number));
      },
      online: (number) => {
        operate((hypervisor) => hypervisor.onlineCpu(number));
        return () => undefined;
      },
    };
  }

  #clock(node: NodeId): NodeClock {
    let clock = this.#clocks.get(node);
    if (clock === undefined) {
      clock = new NodeClock(this.scheduler);
      this.#clocks.set(node, clock);
    }
    return clock;
  }
}

function asKind(name: string): EventKind {
  if (isKind(name)) return name;
  throw new RangeError(`"${name}" is not a kind of event`);
}

function isKind(name: string): name is EventKind {
  return Object.hasOwn(EVENT_KINDS, name);
}
