import {
  type Batch,
  type BatchDone,
  type Completion,
  type CpuReport,
  LinkTimes,
  type OperationError,
  Outbox,
  type OutgoingBatch,
  type SendOptions,
  type Timer,
} from "@vmcslab/nested";
import type { Clock, SharedClock } from "../clock.js";
import { batchToWire } from "../codec/batch.js";
import { completionFromWire } from "../codec/completion.js";
import { cpuReportFromWire } from "../codec/cpu-report.js";
import { InvalidMessage } from "../codec/invalid-message.js";
import { toNumber } from "../codec/numbers.js";
import type { ConnectResponse, Welcome } from "../generated/vmcslab/v1/interconnect.js";
import type { LamportClock } from "../lamport.js";
import { CheapTimers } from "./cheap-timers.js";
import type { InterconnectClient, Link, LinkBroken, Transport } from "./port.js";

export interface SessionOptions {
  readonly cpu: number;
  /** The life of the CPU that registered. */
  readonly incarnation: number;
  /** L0's session; grows with every life of L0. */
  readonly session: number;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly lamport: LamportClock;
  /** What cross-CPU clears are timed with. Absent: they are not. */
  readonly timedBy?: SharedClock;
  /** L0 remembers the session before this one: the CPU keeps what it holds, and says what that is. */
  readonly takesOver?: boolean;
  /** What is not completed is sent again this much later: see Outbox. */
  readonly resendAfterMs?: number;
  /** The link is up for the first time. */
  readonly onReady: () => void;
  /**
   * This life of the CPU is over, or it refuses us. Called before the batches in flight end, so that whoever waits for one of them finds
   * the loss recorded. Not called after close().
   */
  readonly onLost: (reason: string) => void;
  /** A completion arrived after {@link InterconnectSession.giveUp}: it is not applied. */
  readonly onRefused?: (batch: Batch, completion: Completion) => void;
}

/** A CPU has at most one more than its own machine says. */
const AHEAD_DAYS = 2;

const RECONNECT_DELAY_MS_MIN = 10;
const RECONNECT_DELAY_MS_MAX = 500;

/** {@link InterconnectClient} over any transport: the greeting, connecting again, and noticing another life of the CPU. */
export class InterconnectSession implements InterconnectClient {
  readonly cpu: number;
  readonly incarnation: number;
  readonly #options: SessionOptions;
  readonly #outbox: Outbox;
  readonly #times = new LinkTimes();
  readonly #timers: CheapTimers;
  #oneClock = false;
  #link: Link | undefined;
  #retry: Timer | undefined;
  #retryDelayMs = RECONNECT_DELAY_MS_MIN;
  #welcomed = false;
  #goneSinceNs: number | undefined;
  #wasReady = false;
  #closed = false;
  #released = false;
  #report: CpuReport | undefined;

  constructor(options: SessionOptions) {
    this.cpu = options.cpu;
    this.incarnation = options.incarnation;
    this.#options = options;
    const { cpu, clock, onRefused, resendAfterMs } = options;
    this.#timers = new CheapTimers(clock);
    this.#outbox = new Outbox({
      cpu,
      timers: this.#timers,
      ...(resendAfterMs === undefined ? {} : { resendAfterMs }),
      ...(onRefused === undefined ? {} : { onRefused }),
    });
    this.#open();
  }

  get connected(): boolean {
    return this.#welcomed;
  }

  /** What the CPU held when this session took it over. */
  get report(): CpuReport | undefined {
    return this.#report;
  }

  /** When attempts to connect began to find nobody there, by our clock. Undefined: the last one did not. */
  get goneSinceNs(): number | undefined {
    return this.#goneSinceNs;
  }

  /** It was never connected, nor any session before it: nothing of ours can be cached there. */
  get isUnused(): boolean {
    return !this.#wasReady && this.#options.takesOver !== true;
  }

  /** There is reason to look who is there now: does not wait until the next attempt to connect is due. */
  hurry(): void {
    if (this.#closed || this.#retry === undefined) return;
    this.#retry.cancel();
    this.#open();
  }

  /** Ends this life of the CPU: whoever knows that it is over says so. */
  declareLost(reason: string): void {
    this.#lose(reason);
  }

  send(batch: OutgoingBatch, done: BatchDone, options: SendOptions = {}): number {
    return this.#outbox.send(batch, done, options);
  }

  unresolved(): readonly number[] {
    return this.#outbox.unresolved();
  }

  again(id: number, done: BatchDone, options: SendOptions = {}): void {
    this.#outbox.again(id, done, options);
  }

  /** The link could not carry this batch (`definite`), or does not know whether it did. */
  fail(id: number, definite: boolean): void {
    this.#outbox.fail(id, definite);
  }

  /** As {@link close}, and listens on as long as the link is up: what the CPU completed before it heard of the end is told to onRefused. */
  giveUp(reason: string): void {
    if (this.#closed) return;
    this.#finish(reason);
    if (this.#link === undefined) this.#release();
  }

  close(reason = `the interconnect to CPU ${this.cpu} was closed`): void {
    this.#end(reason);
  }

  #open(): void {
    this.#retry = undefined;
    const { transport, lamport, session, takesOver } = this.#options;
    const link = transport.open(
      (frame) => this.#receive(frame),
      (cause) => this.#broken(cause),
    );
    this.#link = link;
    link.send({
      lamport: BigInt(lamport.now),
      acknowledged: 0n,
      frame: { $case: "hello", value: { cpu: this.cpu, session: BigInt(session), takesOver: takesOver === true } },
    });
  }

  /** A CPU that says what the protocol does not allow is not one that L0 can use. */
  #receive(response: ConnectResponse): void {
    try {
      this.#take(response);
    } catch (error) {
      if (!(error instanceof InvalidMessage)) throw error;
      this.#lose(`CPU ${this.cpu} breaks the protocol: ${error.message}`);
    }
  }

  #take(response: ConnectResponse): void {
    const { lamport } = this.#options;
    const sent = toNumber(response.lamport, "lamport");
    lamport.check(sent, AHEAD_DAYS);
    lamport.witness(sent);
    if (response.frame?.$case === "completion") this.#complete(completionFromWire(response.frame.value));
    else if (response.frame?.$case === "completions")
      for (const completion of response.frame.value.completions) this.#complete(completionFromWire(completion));
    else if (response.frame?.$case === "welcome") this.#welcome(response.frame.value);
  }

  #complete(completion: Completion): void {
    const { timedBy } = this.#options;
    const isTimed = timedBy !== undefined && this.#times.isTimed(completion.id);
    this.#outbox.complete(isTimed ? this.#times.arrived(completion, timedBy.nowNs(), this.#oneClock) : completion);
  }

  #welcome(welcome: Welcome): void {
    if (this.#closed) return;
    const incarnation = toNumber(welcome.incarnation, "incarnation");
    if (incarnation !== this.incarnation) {
      this.#lose(restarted(this.cpu, incarnation, this.incarnation));
      return;
    }
    if (welcome.report !== undefined) this.#report ??= cpuReportFromWire(welcome.report);
    this.#oneClock = welcome.clock !== "" && welcome.clock === this.#options.timedBy?.id;
    this.#welcomed = true;
    this.#goneSinceNs = undefined;
    this.#retryDelayMs = RECONNECT_DELAY_MS_MIN;
    this.#outbox.connected((batch, acknowledged) => this.#transmit(batch, acknowledged));
    if (this.#wasReady) return;
    this.#wasReady = true;
    this.#options.onReady();
  }

  #transmit(batch: Batch, acknowledged: number): void {
    const { timedBy } = this.#options;
    if (timedBy !== undefined) this.#times.handed(batch, timedBy);
    this.#link?.send({
      lamport: BigInt(this.#options.lamport.now),
      acknowledged: BigInt(acknowledged),
      frame: { $case: "batch", value: batchToWire(batch) },
    });
  }

  #broken(cause: LinkBroken): void {
    this.#welcomed = false;
    this.#goneSinceNs = cause.gone ? (this.#goneSinceNs ?? this.#options.clock.monoNs()) : undefined;
    this.#link = undefined;
    this.#outbox.broken();
    if (this.#closed) {
      this.#release();
      return;
    }
    if (cause.incarnation !== undefined && cause.incarnation > this.incarnation) {
      this.#lose(restarted(this.cpu, cause.incarnation, this.incarnation));
      return;
    }
    if (cause.refused) {
      this.#lose(`CPU ${this.cpu} refuses the interconnect: ${cause.message}`);
      return;
    }
    this.#retry = this.#options.clock.after(this.#retryDelayMs, () => this.#open());
    this.#retryDelayMs = Math.min(this.#retryDelayMs * 2, RECONNECT_DELAY_MS_MAX);
  }

  #lose(reason: string): void {
    if (this.#closed) return;
    this.#options.onLost(reason);
    this.#end(reason);
  }

  #end(message: string): void {
    this.#release();
    this.#finish(message);
  }

  /** Every batch ends, and nothing is sent any more. */
  #finish(message: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#welcomed = false;
    this.#retry?.cancel();
    const error: OperationError = { code: "cpuUnavailable", definite: false, message };
    this.#outbox.close(error);
    this.#timers.close();
  }

  /** Lets go of the transport. */
  #release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#link?.close();
    this.#link = undefined;
    this.#options.transport.close();
  }
}

function restarted(cpu: number, incarnation: number, before: number): string {
  return `CPU ${cpu} restarted: it is incarnation ${incarnation}, it was ${before}`;
}
