import type { HistoryEvent } from "@vmcslab/history";
import type { EventBatch as WireEventBatch } from "../generated/vmcslab/v1/events.js";

/** Consecutive events of one source. Without events it states that everything before `firstSeq` was published. */
export interface EventBatch {
  readonly host: string;
  readonly source: string;
  readonly incarnation: number;
  /** Sequence number of the first event. */
  readonly firstSeq: number;
  readonly events: readonly HistoryEvent[];
  /** This life ends with this batch: it publishes nothing more. Default false. */
  readonly ends?: boolean;
}

/** What became of a batch: the bus confirmed it, or there was no room for it. */
export type BatchFate = "delivered" | "dropped";

/** Where a source publishes. */
export interface EventSink {
  /**
   * Takes a batch. Returns at once and never throws: while the bus is slow or away batches are buffered up to a bound, and what
   * does not fit is dropped and counted. Trace sees a drop as a gap in the sequence. `settled` is told what became of it, once; of what is given up when the
   * sink is closed it is told nothing.
   */
  publish(batch: EventBatch, settled?: (fate: BatchFate) => void): void;
  /** Waits until everything taken was handed over, at most `timeoutMs`. Says whether it was. */
  flush(timeoutMs: number): Promise<boolean>;
  /** The bus can be reached now. */
  readonly connected: boolean;
  /** Events dropped so far. */
  readonly dropped: number;
  /** Events taken and not confirmed yet. */
  readonly buffered: number;
  /** From now on nothing goes out, as though the bus were away: `connected` is false, and what is published is buffered up to the bound. */
  hold(): void;
  /** Ends {@link hold}: what was held back goes out. */
  release(): void;
  /** Ends the connection. What is still buffered is given up; flush first. */
  close(): Promise<void>;
}

/** Where trace receives. */
export interface EventSource {
  /** The bus can be reached now. */
  isConnected(): boolean;
  /** Stops receiving. */
  close(): Promise<void>;
}

/**
 * Takes a received batch and ends when it is stored. Batches of one source are given one after the other. They stay messages: trace counts and
 * stores, and need not know what the events say.
 */
export type ReceiveBatch = (batch: WireEventBatch) => Promise<void>;
