import type { OperationError } from "../api.js";
import type { BatchResult, OutgoingBatch } from "../effect.js";
import type { Timer, Timers } from "../timers.js";
import type { Batch, Completion } from "./batch.js";

/** Told exactly once how a batch ended. */
export type BatchDone = (result: BatchResult) => void;

export interface SendOptions {
  /** Default: {@link DEFAULT_DEADLINE_MS}. */
  readonly deadlineMs?: number;
}

export const DEFAULT_DEADLINE_MS = 2000;

/** Hands a batch to the link. */
export type Transmit = (batch: Batch, acknowledged: number) => void;

export interface OutboxOptions {
  readonly cpu: number;
  readonly timers: Timers;
  /**
   * What is not completed is sent again this much later, then at doubled intervals. Absent: never, for a link that loses nothing while it is up.
   */
  readonly resendAfterMs?: number;
  /** A batch was completed after this session was given up: what it flushed is not applied. */
  readonly onRefused?: (batch: Batch, completion: Completion) => void;
}

interface KnownBatch {
  batch: Batch;
  /** A completion that comes after the deadline will be asked for. */
  readonly keepsLate: boolean;
  /** How often it was handed to a link. */
  handed: number;
  /** Undefined after its deadline, until someone asks again. */
  waiter: Waiter | undefined;
  /** Its deadline passed before it was sent: an empty batch goes out under its number, because the CPU executes them without gaps. */
  withdrawn: boolean;
}

/** Resending backs off to this many times the first interval. */
const BACKOFF_MAX = 16;

/**
 * The batches of one session with one CPU, whatever carries them: their numbers, their deadlines, what was not completed and must be
 * sent again, and what may be acknowledged.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  /** Sent or queued, not completed; in the order of their numbers. */
  readonly #known = new Map<number, KnownBatch>();
  /** Completed after their deadline, not asked for again yet. */
  readonly #late = new Map<number, Completion>();
  #nextId = 1;
  #transmit: Transmit | undefined;
  #closed: OperationError | undefined;
  #resend: Timer | undefined;
  #backoff = 1;
  /** Something was completed since the resend timer was started. */
  #progressed = false;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** The batch's number; 0 when the session is over. */
  send(outgoing: OutgoingBatch, done: BatchDone, { deadlineMs = DEFAULT_DEADLINE_MS }: SendOptions = {}): number {
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
      handed: 0,
      waiter: undefined,
      withdrawn: false,
    };
    this.#known.set(id, known);
    this.#wait(known, done, deadlineMs);
    this.#handWithMissing(known);
    return id;
  }

  /** Waits once more for a batch whose deadline passed: its recorded completion, or another `deadline`. It is not executed twice. */
  again(id: number, done: BatchDone, { deadlineMs = DEFAULT_DEADLINE_MS }: SendOptions = {}): void {
    if (this.#closed !== undefined) {
      done({ ok: false, error: this.#closed });
      return;
    }
    const late = this.#late.get(id);
    const known = this.#known.get(id);
    if (late !== undefined) {
      this.#late.delete(id);
      done({ ok: true, completion: late });
    } else if (known !== undefined && known.waiter === undefined && !known.withdrawn) {
      this.#wait(known, done, deadlineMs);
      this.#handWithMissing(known);
    } else {
      done(
        this.#failed("notFound", true, `batch ${id} of CPU ${this.#options.cpu} is not waiting to be asked for again`),
      );
    }
  }

  /** Numbers of batches that ended in an indefinite `deadline` and were not asked for again since. */
  unresolved(): number[] {
    const waiting = [...this.#known.values()].filter(
      (known) => known.waiter === undefined && known.handed > 0 && !known.withdrawn,
    );
    return [...waiting.map((known) => known.batch.id), ...this.#late.keys()].sort((a, b) => a - b);
  }

  /** A link is up: everything not completed goes out, in order, under its old number. */
  connected(transmit: Transmit): void {
    this.#transmit = transmit;
    this.#backoff = 1;
    for (const known of this.#known.values()) this.#hand(known);
  }

  broken(): void {
    this.#transmit = undefined;
    this.#stopResending();
  }

  /** A completion arrived. One that was completed before was recorded twice, and is dropped. */
  complete(completion: Completion): void {
    const known = this.#known.get(completion.id);
    if (known === undefined) return;
    this.#known.delete(completion.id);
    if (this.#closed !== undefined) {
      this.#options.onRefused?.(known.batch, completion);
      return;
    }
    this.#progressed = true;
    if (this.#known.size === 0) this.#stopResending();
    if (known.waiter !== undefined) known.waiter.finish({ ok: true, completion });
    else if (known.keepsLate && !known.withdrawn) this.#late.set(completion.id, completion);
  }

  /** The link could not carry this batch (`definite`), or does not know whether it did. */
  fail(id: number, definite: boolean): void {
    const known = this.#known.get(id);
    const waiter = known?.waiter;
    if (known === undefined || waiter === undefined) return;
    // Of a batch that was sent before, nobody can say that it was not executed: this copy of it is lost, that is all.
    if (definite && known.handed > 1) return;
    known.waiter = undefined;
    const { cpu } = this.#options;
    if (definite) this.#withdraw(known);
    waiter.finish(
      definite
        ? this.#failed("cpuUnavailable", true, `CPU ${cpu} could not be reached; batch ${id} was not sent`)
        : this.#failed("deadline", false, `the link to CPU ${cpu} does not know whether it carried batch ${id}`),
    );
  }

  /** The CPU is gone: every batch ends in `error`, definite for those that were never sent. Completions that come all the same are refused. */
  close(error: OperationError): void {
    if (this.#closed !== undefined) return;
    this.#closed = error;
    this.#transmit = undefined;
    this.#stopResending();
    this.#late.clear();
    for (const known of [...this.#known.values()]) {
      const { waiter, handed } = known;
      known.waiter = undefined;
      if (handed === 0) this.#known.delete(known.batch.id);
      waiter?.finish({ ok: false, error: { ...error, definite: error.definite || handed === 0 } });
    }
  }

  /** Every batch up to this number is completed. */
  get #acknowledged(): number {
    const oldest = this.#known.keys().next();
    return (oldest.done === true ? this.#nextId : oldest.value) - 1;
  }

  #hand(known: KnownBatch): void {
    if (this.#transmit === undefined) return;
    known.handed++;
    this.#transmit(known.batch, this.#acknowledged);
    if (this.#resend === undefined) this.#armResend();
  }

  #armResend(): void {
    const { resendAfterMs, timers } = this.#options;
    if (resendAfterMs === undefined) return;
    this.#progressed = false;
    this.#resend = timers.after(resendAfterMs * this.#backoff, () => this.#resendAll());
  }

  #resendAll(): void {
    this.#resend = undefined;
    if (this.#progressed) this.#backoff = 1;
    else {
      this.#backoff = Math.min(this.#backoff * 2, BACKOFF_MAX);
      this.#handAll();
    }
    if (this.#known.size > 0 && this.#resend === undefined) this.#armResend();
  }

  /** When nothing has come back for a while, what is missing over there goes along, or this one would wait for it until the backoff is over. */
  #handWithMissing(known: KnownBatch): void {
    if (this.#backoff > 1) this.#handAll();
    else this.#hand(known);
  }

  #handAll(): void {
    for (const known of this.#known.values()) this.#hand(known);
  }

  #stopResending(): void {
    this.#resend?.cancel();
    this.#resend = undefined;
    this.#backoff = 1;
  }

  #wait(known: KnownBatch, done: BatchDone, deadlineMs: number): void {
    const timer = this.#options.timers.after(deadlineMs, () => this.#giveUp(known, deadlineMs));
    known.waiter = new Waiter(timer, done);
  }

  #giveUp(known: KnownBatch, deadlineMs: number): void {
    const { waiter, batch, handed } = known;
    const { cpu } = this.#options;
    const within = `within ${deadlineMs} ms`;
    known.waiter = undefined;
    if (handed === 0) this.#withdraw(known);
    const result =
      handed > 0
        ? this.#failed(
            "deadline",
            false,
            `CPU ${cpu} did not complete batch ${batch.id} ${within}; it may have executed it`,
          )
        : this.#failed(
            "cpuUnavailable",
            true,
            `CPU ${cpu} could not be reached ${within}; batch ${batch.id} was not sent`,
          );
    waiter?.finish(result);
  }

  #withdraw(known: KnownBatch): void {
    known.withdrawn = true;
    known.batch = { ...known.batch, instructions: [] };
  }

  #failed(code: OperationError["code"], definite: boolean, message: string): BatchResult {
    return { ok: false, error: { code, definite, message } };
  }
}

/** Waits for one batch, until its deadline. */
class Waiter {
  constructor(
    readonly timer: Timer,
    readonly done: BatchDone,
  ) {}

  finish(result: BatchResult): void {
    this.timer.cancel();
    this.done(result);
  }
}
