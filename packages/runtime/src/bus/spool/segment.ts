import { closeSync, openSync, unlinkSync, writeSync } from "node:fs";
import type { HistoryEvent } from "@vmcslab/history";
import { eventBatchToWire } from "../../codec/event.js";
import { encodeDelimited } from "../../history/delimited.js";

export interface SegmentLife {
  readonly host: string;
  readonly source: string;
  readonly incarnation: number;
}

/** Whoever reads it need not hold more of it at once. */
const EVENTS_PER_RECORD_MAX = 512;
/** First sequence number of a record that is none: from here on there is more than the spool had room for. */
export const OVERFLOW_MARK = 0;

/**
 * One file of a life's spool. It begins with a record without events that says where it begins, so that the end of the sequence can be read from it however few events it
 * holds. What is written is the kernel's when a method returns: it survives the process, not the machine.
 */
export class Segment {
  readonly #path: string;
  readonly #life: SegmentLife;
  readonly #fd: number;
  #lastSeq: number;
  #bytes = 0;
  #isOverflowed = false;

  /** Begins after the event `lastSeq`. Throws what the file system says. */
  constructor(path: string, life: SegmentLife, lastSeq: number) {
    this.#path = path;
    this.#life = life;
    this.#lastSeq = lastSeq;
    this.#fd = openSync(path, "ax", 0o600);
    this.#write(lastSeq + 1, []);
  }

  /** Number of the last event in it, or that it had no room for. */
  get lastSeq(): number {
    return this.#lastSeq;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** It says that there is more: what follows belongs into another one. */
  get isOverflowed(): boolean {
    return this.#isOverflowed;
  }

  append(events: readonly HistoryEvent[]): void {
    for (let at = 0; at < events.length; at += EVENTS_PER_RECORD_MAX) {
      const some = events.slice(at, at + EVENTS_PER_RECORD_MAX);
      this.#write(this.#lastSeq + 1, some);
      this.#lastSeq += some.length;
    }
  }

  /** There was no room for the events up to `lastSeq`. */
  overflow(lastSeq: number): void {
    if (!this.#isOverflowed) this.#write(OVERFLOW_MARK, []);
    this.#isOverflowed = true;
    this.#lastSeq = lastSeq;
  }

  /** Nothing more is written to it. */
  close(): void {
    closeSync(this.#fd);
  }

  remove(): void {
    unlinkSync(this.#path);
  }

  #write(firstSeq: number, events: readonly HistoryEvent[]): void {
    const record = encodeDelimited(eventBatchToWire({ ...this.#life, firstSeq, events }));
    for (let at = 0; at < record.length; ) at += writeSync(this.#fd, record, at);
    this.#bytes += record.length;
  }
}
