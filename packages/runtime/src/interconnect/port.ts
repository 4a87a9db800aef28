import type { Batch, BatchDone, Completion, CpuReport, OutgoingBatch, SendOptions } from "@vmcslab/nested";
import type { ConnectRequest, ConnectResponse } from "../generated/vmcslab/v1/interconnect.js";
import type { BatchStopwatch } from "./stopwatch.js";

/** L0's end of the interconnect to one life of one CPU. */
export interface InterconnectClient {
  readonly cpu: number;
  /** The CPU's life. Its end ends every batch with `cpuUnavailable`. */
  readonly incarnation: number;
  /** The CPU can be reached now. */
  readonly connected: boolean;
  /**
   * Sends a batch before it returns, or queues it while the stream is down; batches arrive in the order of the calls. Errors:
   * `deadline`, indefinite: it was sent and may have been executed; it stays {@link unresolved}, and if it says `askedAgain` its late completion is kept.
   * Returns the batch's number; 0 when the session is over. `cpuUnavailable`, definite: it was never sent. `cpuUnavailable`, indefinite: the CPU vanished with it.
   */
  send(batch: OutgoingBatch, done: BatchDone, options?: SendOptions): number;
  /** Numbers of batches that ended in an indefinite `deadline` and were not asked for again since. */
  unresolved(): readonly number[];
  /** Waits once more for an unresolved batch: its recorded completion, or another `deadline`. It is not executed twice. */
  again(id: number, done: BatchDone, options?: SendOptions): void;
  /** Ends the session with the CPU; batches in flight end as in a loss. */
  close(): void;
}

/** The CPU's end of the interconnect: what executes batches. */
export interface InterconnectTarget {
  readonly cpu: number;
  /** One life of the processor. It changes when its lease ends. */
  readonly incarnation: number;
  /** Takes the times of what it executes. Absent: nobody does. */
  readonly stopwatch?: BatchStopwatch;
  /** Whether it may execute for L0 now. Asked before every frame that is taken; a life whose lease has ended is over when this returns. */
  holdsLease(): boolean;
  /**
   * A session of L0 begins or continues. A new one resets the processor, because the L0 that knew what is cached here is gone; unless it takes over what that one left (`takesOver`): then this
   * says what is here, also when the session continues.
   */
  open(session: number, takesOver: boolean): CpuReport | undefined;
  /** A batch arrived: what is to be answered now, in order. Nothing when it has to wait for an earlier one; what was recorded when it was executed before. */
  receive(batch: Batch): readonly Completion[];
  /** Completions up to this number may be forgotten. */
  acknowledge(upTo: number): void;
}

/** Carries frames between both ends, in order. The adapters implement it. */
export interface Transport {
  /** Opens a link. `broken` is called at most once, when nothing more will arrive. */
  open(receive: (frame: ConnectResponse) => void, broken: (cause: LinkBroken) => void): Link;
  /** Releases what the links share. */
  close(): void;
}

export interface Link {
  /** Hands the frame over before it returns. */
  send(frame: ConnectRequest): void;
  /** Ends the link; `broken` is not called for it any more. */
  close(): void;
}

export interface LinkBroken {
  readonly message: string;
  /** The CPU refuses this session: connecting again would not help. */
  readonly refused: boolean;
  /** Nobody listens there, or the name is unknown: there is no such process, as opposed to one that is silent. */
  readonly gone: boolean;
  /** The life of the CPU that broke it, if it said so. */
  readonly incarnation?: number;
}
