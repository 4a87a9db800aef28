import type { Timer, Timers } from "@vmcslab/nested";
import type { Clock } from "../clock.js";

/** Of one delay, in the order in which they are due: a circle that begins and ends here. */
class Queue {
  readonly delayMs: number;
  next: Entry | Queue = this;
  previous: Entry | Queue = this;
  /** The clock's timer. It goes on when what it was for is cancelled. */
  alarm: Timer | undefined;

  constructor(delayMs: number) {
    this.delayMs = delayMs;
  }
}

class Entry implements Timer {
  readonly dueNs: number;
  readonly callback: () => void;
  next: Entry | Queue;
  previous: Entry | Queue;

  constructor(queue: Queue, dueNs: number, callback: () => void) {
    this.dueNs = dueNs;
    this.callback = callback;
    this.next = queue;
    this.previous = queue.previous;
    queue.previous.next = this;
    queue.previous = this;
  }

  cancel(): void {
    this.next.previous = this.previous;
    this.previous.next = this.next;
    this.next = this;
    this.previous = this;
  }
}

/**
 * Timers of which nearly all are cancelled, as a batch's deadline is when its completion comes. Setting and cancelling one touches no timer of the clock: there is one
 * per delay, which finds out when it fires what is due next. For few different delays.
 */
export class CheapTimers implements Timers {
  readonly #clock: Clock;
  readonly #queues = new Map<number, Queue>();
  #isClosed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  after(delayMs: number, callback: () => void): Timer {
    let queue = this.#queues.get(delayMs);
    if (queue === undefined) {
      queue = new Queue(delayMs);
      this.#queues.set(delayMs, queue);
    }
    const entry = new Entry(queue, this.#clock.monoNs() + Math.round(delayMs * 1e6), callback);
    if (queue.alarm === undefined) this.#arm(queue, delayMs);
    return entry;
  }

  /** Nothing is due any more. */
  close(): void {
    this.#isClosed = true;
    for (const { alarm } of this.#queues.values()) alarm?.cancel();
    this.#queues.clear();
  }

  #arm(queue: Queue, delayMs: number): void {
    queue.alarm = this.#clock.after(delayMs, () => this.#ring(queue));
  }

  #ring(queue: Queue): void {
    queue.alarm = undefined;
    const nowNs = this.#clock.monoNs();
    for (let first = queue.next; first instanceof Entry; first = queue.next) {
      // Also when the machine's timer was early by a fraction of a millisecond.
      if (first.dueNs > nowNs) break;
      first.cancel();
      first.callback();
      if (this.#isClosed) return;
    }
    const { next } = queue;
    if (next instanceof Entry && queue.alarm === undefined) this.#arm(queue, (next.dueNs - nowNs) / 1e6);
  }
}
