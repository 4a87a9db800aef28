import type { EventFact } from "@vmcslab/history";
import {
  type Answer,
  type Batch,
  type BatchResult,
  type Completion,
  CpuLives,
  type CpuReport,
  Executive,
  type HostConfig,
  Hypervisor,
  type LeaseTerms,
  LinkTimes,
  type Operation,
  type OperationError,
  Outbox,
  type OutgoingBatch,
  type Timer,
} from "@vmcslab/nested";
import type { NodeClock } from "../engine/node-clock.js";
import type { SimJournal } from "./journal.js";
import type { Message } from "./messages.js";

export interface L0NodeOptions {
  readonly config: HostConfig;
  readonly terms: LeaseTerms;
  readonly clock: NodeClock;
  readonly deadlineMs: number;
  readonly resendAfterMs: number;
  readonly incarnation: number;
  /** What outlives this life. Absent: nothing does. */
  readonly journal?: SimJournal;
  readonly send: (cpu: number, message: Message) => void;
  readonly emit: (fact: EventFact) => void;
  /** A number that no session had before. */
  readonly newSession: () => number;
  /** What cross-CPU clears are timed with: virtual time itself, whatever the clock of a node says. Absent: they are not. */
  readonly timedBy?: { nowNs(): number };
  /** Between the core and the outbox: where a mutant sits. Default: nobody does. */
  readonly intercept?: (batch: OutgoingBatch, done: (result: BatchResult) => void, send: SendOn) => void;
  readonly wrap?: <T>(operation: Operation<T>) => Operation<T>;
  /** A completion arrives, of the session with this CPU that is not over. */
  readonly onCompletion?: (batch: Batch, completion: Completion) => void;
  readonly onRefused?: (batch: Batch, completion: Completion) => void;
}

type SendOn = (batch: OutgoingBatch, done: (result: BatchResult) => void) => void;

interface KnownCpu {
  readonly incarnation: number;
  readonly session: number;
  readonly outbox: Outbox;
  /** `asked`: taken over from the last life of L0, and asked what it holds. */
  state: "asked" | "connecting" | "registering" | "registered";
  /** What it said that it holds, when it was taken over. */
  report: CpuReport | undefined;
}

interface SentBatch {
  readonly outbox: Outbox;
  readonly id: number;
}

const UNAVAILABLE: OperationError = { code: "cpuUnavailable", definite: false, message: "the CPU is lost" };

/** One life of the L0 service: the hypervisor, its executive, and an outbox per CPU, their loop turned by virtual time. */
export class L0Node {
  readonly hypervisor: Hypervisor;
  readonly #options: L0NodeOptions;
  readonly #executive: Executive;
  readonly #lives: CpuLives;
  readonly #cpus = new Map<number, KnownCpu>();
  /** Also of sessions that are over: what they still complete is refused. */
  readonly #sessions = new Map<number, { readonly outbox: Outbox; readonly times: LinkTimes }>();
  readonly #sent = new WeakMap<OutgoingBatch, SentBatch>();
  #fence: Timer | undefined;
  #alive = true;

  constructor(options: L0NodeOptions) {
    this.#options = options;
    this.#lives = new CpuLives(options.terms);
    const { journal } = options;
    this.hypervisor = new Hypervisor(
      options.config,
      {
        emit: (fact) => {
          if (this.#alive) options.emit(fact);
        },
        begin: (operation) => this.run(operation, () => undefined),
        ...(journal === undefined ? {} : { record: (record) => journal.append(this.hypervisor, record) }),
      },
      journal?.remembered(options.incarnation - 1),
    );
    if (options.incarnation > 1) journal?.restored(this.hypervisor);
    // Their leases are those that the last life granted, at the latest now.
    for (const cpu of this.#recovering)
      this.#lives.heard(cpu, this.hypervisor.state.cpu(cpu).incarnation, options.clock.nowNs);
    this.#watchFence();
    const { intercept } = options;
    const send: SendOn = (batch, done) => this.#send(batch, done);
    this.#executive = new Executive({
      send: intercept === undefined ? send : (batch, done) => intercept(batch, done, send),
      again: (batch, done) => this.#again(batch, done),
    });
  }

  get inFlight(): number {
    return this.#executive.inFlight;
  }

  /** L0 counts on this CPU, and has nothing to settle with it. */
  isRegistered(cpu: number, incarnation: number): boolean {
    const known = this.#cpus.get(cpu);
    return known?.state === "registered" && known.incarnation === incarnation;
  }

  run<T>(operation: Operation<T>, done: (answer: Answer<T>) => void): void {
    const { wrap, journal } = this.#options;
    const tell = journal === undefined ? done : (answer: Answer<T>) => this.#whenDurable(journal, () => done(answer));
    this.#executive.run(wrap === undefined ? operation : wrap(operation), tell);
  }

  /** Nobody is told of anything that this life might forget. */
  #whenDurable(journal: SimJournal, tell: () => void): void {
    journal.whenDurable(() => {
      if (this.#alive) tell();
    });
  }

  get #recovering(): ReadonlySet<number> {
    return this.hypervisor.state.recovering;
  }

  /** The process dies with all it knew. */
  crash(): void {
    this.#alive = false;
    this.#options.clock.forget();
  }

  receive(cpu: number, message: Message): void {
    if (message.kind === "beat") this.#beat(cpu, message);
    else if (message.kind === "completion") this.#completed(cpu, message);
  }

  /** Nobody listens at this CPU's address: its process is gone, and L0 need not wait for a fence. */
  gone(cpu: number): void {
    this.#lives.ended(cpu, this.hypervisor.state.cpu(cpu).incarnation);
    this.#lose(cpu, () => this.hypervisor.cpuLost(cpu));
  }

  #completed(cpu: number, { session, batch, completion }: Extract<Message, { kind: "completion" }>): void {
    if (this.#cpus.get(cpu)?.session === session) this.#options.onCompletion?.(batch, completion);
    const known = this.#sessions.get(session);
    const { timedBy } = this.#options;
    known?.outbox.complete(timedBy === undefined ? completion : known.times.arrived(completion, timedBy.nowNs(), true));
  }

  /** What the sender of a batch is told instead of an answer. */
  failBatch(session: number, id: number, definite: boolean): void {
    this.#sessions.get(session)?.outbox.fail(id, definite);
  }

  #beat(cpu: number, { incarnation, beat, held }: Extract<Message, { kind: "beat" }>): void {
    const { clock, send, terms } = this.#options;
    const heard = this.#lives.heard(cpu, incarnation, clock.nowNs);
    const over = heard === "over";
    if (!over && (heard === "new" || !this.#cpus.has(cpu))) this.#begin(cpu, incarnation);
    const known = this.#cpus.get(cpu);
    send(cpu, {
      kind: "grant",
      incarnation,
      beat,
      session: known?.session ?? 0,
      durationNs: terms.durationNs,
      over,
      ...(known?.state === "asked" ? { takesOver: true } : {}),
    });
    if (!over && known !== undefined) this.#goOn(cpu, known, held);
    if (this.#fence === undefined) this.#watchFence();
  }

  #goOn(cpu: number, known: KnownCpu, held: Extract<Message, { kind: "beat" }>["held"]): void {
    const { hypervisor } = this;
    const { incarnation, session } = known;
    if (known.state === "connecting") this.#use(known, hypervisor.registerCpu(cpu, incarnation), "connecting");
    if (held?.session === session) known.report ??= held.report;
    if (known.state === "asked" && known.report !== undefined)
      this.#use(known, hypervisor.recoverCpu(cpu, incarnation, known.report), "asked");
  }

  /** A life of a CPU that this life of L0 has not heard of yet: a new one, or one that the last life of L0 used. */
  #begin(cpu: number, incarnation: number): void {
    const { clock, newSession, send, resendAfterMs, timedBy } = this.#options;
    const isKnown = this.#recovering.has(cpu) && this.hypervisor.state.cpu(cpu).incarnation === incarnation;
    if (!isKnown) this.#lose(cpu, () => this.hypervisor.cpuLost(cpu));
    const session = newSession();
    const outbox = new Outbox({
      cpu,
      timers: clock,
      resendAfterMs,
      onRefused: (batch, completion) => {
        this.hypervisor.refuseWriteback(batch, completion);
        this.#options.onRefused?.(batch, completion);
      },
    });
    const times = new LinkTimes();
    outbox.connected((batch, acknowledged) => {
      if (timedBy !== undefined) times.handed(batch, timedBy);
      send(cpu, { kind: "batch", session, batch, acknowledged });
    });
    this.#sessions.set(session, { outbox, times });
    this.#cpus.set(cpu, { incarnation, session, outbox, state: isKnown ? "asked" : "connecting", report: undefined });
  }

  /** L0 takes the CPU into use. When that fails, the CPU's next beat tries again. */
  #use(known: KnownCpu, operation: Operation<void>, otherwise: "asked" | "connecting"): void {
    known.state = "registering";
    this.run(operation, (answer) => {
      known.state = answer.ok ? "registered" : otherwise;
    });
  }

  #watchFence(): void {
    const { clock } = this.#options;
    const nextNs = this.#lives.nextFenceNs;
    if (!Number.isFinite(nextNs)) return;
    this.#fence = clock.afterNs(nextNs - clock.nowNs, () => {
      this.#fence = undefined;
      for (const { cpu, incarnation } of this.#lives.fence(clock.nowNs))
        this.#lose(cpu, () => this.hypervisor.cpuFenced(cpu, incarnation));
      this.#watchFence();
    });
  }

  /** The hypervisor learns it first, so that operations that fail because of it find it recorded. */
  #lose(cpu: number, declare: () => void): void {
    const known = this.#cpus.get(cpu);
    if (known === undefined && !this.#recovering.has(cpu)) return;
    this.#cpus.delete(cpu);
    declare();
    known?.outbox.close(UNAVAILABLE);
  }

  #send(batch: OutgoingBatch, done: (result: BatchResult) => void): void {
    const known = this.#cpus.get(batch.cpu);
    if (known === undefined) {
      done({ ok: false, error: { ...UNAVAILABLE, definite: true } });
      return;
    }
    const id = known.outbox.send(batch, done, { deadlineMs: this.#options.deadlineMs });
    if (batch.askedAgain === true) this.#sent.set(batch, { outbox: known.outbox, id });
  }

  #again(batch: OutgoingBatch, done: (result: BatchResult) => void): void {
    const sent = this.#sent.get(batch);
    if (sent === undefined) done({ ok: false, error: { ...UNAVAILABLE, definite: true } });
    else sent.outbox.again(sent.id, done, { deadlineMs: this.#options.deadlineMs });
  }
}
