import { mkdirSync } from "node:fs";
import type { HistoryEvent } from "@vmcslab/history";
import { takeLock } from "../../journal/file-lock.js";
import { lockPath, segmentPath } from "./files.js";
import { Segment, type SegmentLife } from "./segment.js";

export interface SpoolOptions {
  /** Where its files are. Made when it is missing. */
  readonly directory: string;
  readonly host: string;
  readonly source: string;
  /** Events that it holds at most, of those that the bus has not confirmed; as many as the bus's buffer does. */
  readonly eventsMax: number;
  /** Told once that it cannot be written: from then on this life has no spool. */
  readonly onTrouble: (error: unknown) => void;
}

/** What was recorded and not published yet is in the spool already, and no part of what the bus buffers. */
const UNPUBLISHED_MAX = 1024;
/** A segment of which everything was confirmed makes place for an empty one when it has this many bytes, or when it has the other many in any case. */
const CONFIRMED_BYTES = 64 * 1024;
const SEGMENT_BYTES = 1024 * 1024;

interface Life extends SegmentLife {
  readonly unlock: () => void;
  /** The last one is being written. */
  readonly segments: Segment[];
  nextSegment: number;
  /** Numbers of events that are in its segments, as far as they are not confirmed: ranges in order, both ends included. */
  readonly unconfirmed: { first: number; last: number }[];
}

/**
 * A flight recorder: files that hold every event from the end of the turn of the event loop in which it was recorded until the bus confirmed it. Node.js hands what a turn
 * sends to the kernel after the turn's microtasks, so nothing that an event led to is outside of the process before the event is (`test/integration/events-survive.test.ts` shows it).
 * When a process is killed, the next life of its source publishes what its spool holds ({@link recoverLives}).
 */
export class Spool {
  readonly #options: SpoolOptions;
  readonly #lives = new Map<number, Life>();
  #current: Life | undefined;
  #collected: HistoryEvent[] = [];
  #isScheduled = false;
  #isBroken = false;

  /** Throws what the file system says when there can be no such directory. */
  constructor(options: SpoolOptions) {
    this.#options = options;
    mkdirSync(options.directory, { recursive: true, mode: 0o700 });
  }

  /** Whether this life is one of this process. */
  isOwn(incarnation: number): boolean {
    return this.#lives.has(incarnation);
  }

  /** Events from now on are of this life; of the last one everything was collected. */
  begin(incarnation: number): void {
    this.write();
    const { directory, host, source } = this.#options;
    this.#attempt(() => {
      this.#current?.segments.at(-1)?.close();
      this.#current = undefined;
      const unlock = takeLock(lockPath(directory, host, source, incarnation));
      const life: Life = { host, source, incarnation, unlock, segments: [], nextSegment: 1, unconfirmed: [] };
      this.#lives.set(incarnation, life);
      this.#beginSegment(life, 0);
      this.#current = life;
    });
  }

  /** Takes an event; it is in the file when this turn of the event loop ends. */
  add(event: HistoryEvent): void {
    if (this.#isBroken) return;
    this.schedule();
    this.#collected.push(event);
  }

  /** What is collected in this turn is written before any microtask runs that is queued from now on. */
  schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.write();
    });
  }

  /** What was collected is in the file when this returns. */
  write(): void {
    const events = this.#collected;
    const [first] = events;
    if (first === undefined) return;
    this.#collected = [];
    const life = this.#current;
    if (life === undefined) return;
    this.#attempt(() => this.#append(life, first.seq, events));
  }

  /** The bus has everything of this life up to this event; `ends`: and knows that the life ends there. */
  confirmed(incarnation: number, lastSeq: number, ends: boolean): void {
    const life = this.#lives.get(incarnation);
    if (life === undefined) return;
    forget(life.unconfirmed, lastSeq);
    this.#attempt(() => {
      if (ends) this.#remove(life);
      else this.#shorten(life, lastSeq);
    });
  }

  /** Nothing more is collected. Files stay while something in them is not confirmed: the next life of the source publishes it. */
  close(): void {
    this.write();
    this.#attempt(() => {
      this.#current?.segments.at(-1)?.close();
      this.#current = undefined;
      for (const life of this.#lives.values()) life.unlock();
      this.#lives.clear();
    });
  }

  #append(life: Life, firstSeq: number, events: readonly HistoryEvent[]): void {
    const { eventsMax } = this.#options;
    const lastSeq = firstSeq + events.length - 1;
    let segment = life.segments.at(-1);
    if (segment === undefined) return;
    if (countOf(life.unconfirmed) + events.length > eventsMax + UNPUBLISHED_MAX) {
      segment.overflow(lastSeq);
      return;
    }
    if (segment.isOverflowed || segment.bytes > SEGMENT_BYTES) segment = this.#nextSegment(life, firstSeq - 1);
    segment.append(events);
    const range = life.unconfirmed.at(-1);
    if (range?.last === firstSeq - 1) range.last = lastSeq;
    else life.unconfirmed.push({ first: firstSeq, last: lastSeq });
  }

  /** Removes segments that nobody needs any more. The one that is being written says where the sequence stands, so there always is one. */
  #shorten(life: Life, lastSeq: number): void {
    const current = life.segments.at(-1);
    const isConfirmed = life === this.#current && current !== undefined && current.lastSeq <= lastSeq;
    if (isConfirmed && (current.isOverflowed || current.bytes > CONFIRMED_BYTES))
      this.#nextSegment(life, current.lastSeq);
    for (let oldest = life.segments[0]; oldest !== undefined && life.segments.length > 1; oldest = life.segments[0]) {
      if (oldest.lastSeq > lastSeq) return;
      oldest.remove();
      life.segments.shift();
    }
  }

  #nextSegment(life: Life, lastSeq: number): Segment {
    life.segments.at(-1)?.close();
    return this.#beginSegment(life, lastSeq);
  }

  #beginSegment(life: Life, lastSeq: number): Segment {
    const { directory, host, source } = this.#options;
    const path = segmentPath(directory, host, source, life.incarnation, life.nextSegment);
    const segment = new Segment(path, life, lastSeq);
    life.nextSegment++;
    life.segments.push(segment);
    return segment;
  }

  #remove(life: Life): void {
    if (life === this.#current) {
      life.segments.at(-1)?.close();
      this.#current = undefined;
    }
    for (const segment of life.segments) segment.remove();
    life.unlock();
    this.#lives.delete(life.incarnation);
  }

  /** A spool that cannot be written is none: what it holds would state a wrong end. */
  #attempt(write: () => void): void {
    if (this.#isBroken) return;
    try {
      write();
    } catch (thrown) {
      this.#isBroken = true;
      this.#collected = [];
      this.#options.onTrouble(thrown);
      for (const life of this.#lives.values()) abandon(life);
      this.#lives.clear();
      this.#current = undefined;
    }
  }
}

/** Removes what can be removed. Its last segment may stay open. */
function abandon(life: Life): void {
  for (const step of [...life.segments.map((segment) => () => segment.remove()), life.unlock]) {
    try {
      step();
    } catch {
      // The first failure was told; a segment that is gone is what is wanted.
    }
  }
}

function countOf(ranges: readonly { first: number; last: number }[]): number {
  return ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
}

/** Numbers up to `lastSeq` are confirmed. */
function forget(ranges: { first: number; last: number }[], lastSeq: number): void {
  for (let [range] = ranges; range !== undefined && range.first <= lastSeq; [range] = ranges) {
    if (range.last > lastSeq) {
      range.first = lastSeq + 1;
      return;
    }
    ranges.shift();
  }
}
