import type { Batch, BatchResult, Completion, OperationError, OutgoingBatch } from "@vmcslab/nested";
import type { Clock, Timer } from "../clock.js";
import { type BatchDone, DEFAULT_DEADLINE_MS, type SendOptions } from "./port.js";

/** Hands a batch to the link. */
type Transmit = (batch: Batch, acknowledged: number) => void;

interface KnownBatch {
  readonly batch: Batch;
  /** A completion that comes after the deadline will be asked for. */
  readonly keepsLate: boolean;
  /** It was handed to a link at least once. */
  sent: boolean;
  /** Undefined after its deadline, until someone asks again. */
  waiter: Waiter | undefined;
}

/**
 * The batches of one session with one CPU, whatever carries them: their numbers, their deadlines, what was not completed and must be
 * sent again after a broken stream, and what may be acknowledged.
 */
export class Outbox {
  readonly #cpu: number;
  readonly #clock: Clock;
  /** Sent or queued, not completed; in the order of their numbers. */
  readonly #known = new Map<number, KnownBatch>();
  /** Completed after their deadline, not asked for again yet. */
  readonly #late = new Map<number, Completion>();
  #nextId = 1;
  #transmit: Transmit | undefined;
  #closed: OperationError | undefined;

  constructor(cpu: number, clock: Clock) {
    this.#cpu = cpu;
    this.#clock = clock;
  }

  send(outgoing: OutgoingBatch, done: BatchDone, options: SendOptions): number {
    if (this.#closed !== undefined) {
      done({ ok: false, error: { ...this.#closed, definite: true } });
      return 0;
    }
    const id = this.#nextId++;
    const { cpu, operation, instructions } = outgoing;
    const keepsLate = outgoing.askedAgain === true;
    const known: KnownBatch = {
      batch: { id, cpu, operation, instructions },
      keepsLate,
      sent: false,
      waiter: undefined,
    };
    this.#known.set(id, known);
    this.#wait(known, done, options);
    this.#hand(known);
    return id;
  }

  /** See {@link InterconnectClient.again}. */
  again(id: number, done: BatchDone, options: SendOptions): void {
    const late = this.#late.get(id);
    const known = this.#known.get(id);
    if (late !== undefined) {
      this.#late.delete(id);
      done({ ok: true, completion: late });
    } else if (known !== undefined && known.waiter === undefined) {
      this.#wait(known, done, options);
      this.#hand(known);
    } else {
      done(failed("notFound", true, `batch ${id} of CPU ${this.#cpu} is not waiting to be asked for again`));
    }
  }

  unresolved(): number[] {
    const waiting = [...this.#known.values()].filter((known) => known.waiter === undefined && known.sent);
    return [...waiting.map((known) => known.batch.id), ...this.#late.keys()].sort((a, b) => a - b);
  }

  /** A link is up: everything not completed goes out, in order, under its old number. */
  connected(transmit: Transmit): void {
    this.#transmit = transmit;
    for (const known of this.#known.values()) this.#hand(known);
  }

  broken(): void {
    this.#transmit = undefined;
  }

  /** A completion arrived. One that is not waited for any more was recorded twice, and is dropped. */
  complete(completion: Completion): void {
    const known = this.#known.get(completion.id);
    if (known === undefined) return;
    this.#known.delete(completion.id);
    if (known.waiter !== undefined) known.waiter.finish({ ok: true, completion });
    else if (known.keepsLate) this.#late.set(completion.id, completion);
  }

  /** The CPU is gone: every batch ends in `error`, definite for those that were never sent. */
  close(error: OperationError): void {
    if (this.#closed !== undefined) return;
    this.#closed = error;
    this.#transmit = undefined;
    const ended = [...this.#known.values()];
    this.#known.clear();
    this.#late.clear();
    for (const { waiter, sent } of ended) {
      waiter?.finish({ ok: false, error: { ...error, definite: error.definite || !sent } });
    }
  }

  /** Every batch up to this number is completed. */
  get #acknowledged(): number {
    const oldest = this.#known.keys().next();
    return (oldest.done === true ? this.#nextId : oldest.value) - 1;
  }

  #hand(known: KnownBatch): void {
    if (this.#transmit === undefined) return;
    known.sent = true;
    this.#transmit(known.batch, this.#acknowledged);
  }

  #wait(known: KnownBatch, done: BatchDone, options: SendOptions): void {
    const deadlineMs = options.deadlineMs ?? DEFAULT_DEADLINE_MS;
    const giveUp = (why: string): void => this.#giveUp(known, why);
    known.waiter = new Waiter(this.#clock, done, deadlineMs, options.signal, giveUp);
  }

  #giveUp(known: KnownBatch, why: string): void {
    const { waiter, batch, sent } = known;
    known.waiter = undefined;
    if (!sent) this.#known.delete(batch.id);
    const result = sent
      ? failed("deadline", false, `CPU ${this.#cpu} did not complete batch ${batch.id} ${why}; it may have executed it`)
      : failed("cpuUnavailable", true, `CPU ${this.#cpu} could not be reached ${why}; batch ${batch.id} was not sent`);
    waiter?.finish(result);
  }
}

/** Waits for one batch, until its deadline or an abort. */
class Waiter {
  readonly #done: BatchDone;
  readonly #timer: Timer;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort: () => void;

  constructor(
    clock: Clock,
    done: BatchDone,
    deadlineMs: number,
    signal: AbortSignal | undefined,
    giveUp: (why: string) => void,
  ) {
    this.#done = done;
    this.#timer = clock.after(deadlineMs, () => giveUp(`within ${deadlineMs} ms`));
    this.#signal = signal;
    this.#onAbort = () => giveUp("before it was given up");
    signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  finish(result: BatchResult): void {
    this.#timer.cancel();
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#done(result);
  }
}

function failed(code: OperationError["code"], definite: boolean, message: string): BatchResult {
  return { ok: false, error: { code, definite, message } };
}
