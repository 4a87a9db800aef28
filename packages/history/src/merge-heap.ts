import type { HistoryEvent } from "./event.js";
import { compareEvents } from "./order.js";

/** The next event of a stream that is not exhausted. */
export interface StreamHead<Stream> {
  readonly event: HistoryEvent;
  readonly stream: Stream;
}

/** A binary heap of stream heads, earliest event on top: what a k-way merge holds, one event per stream. */
export class MergeHeap<Stream> {
  readonly #heads: StreamHead<Stream>[] = [];

  push(head: StreamHead<Stream>): void {
    this.#heads.push(head);
    this.#up(this.#heads.length - 1);
  }

  pop(): StreamHead<Stream> | undefined {
    const top = this.#heads[0];
    const last = this.#heads.pop();
    if (top !== undefined && last !== undefined && top !== last) {
      this.#heads[0] = last;
      this.#down(0);
    }
    return top;
  }

  #up(from: number): void {
    let child = from;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!this.#isEarlier(child, parent)) return;
      this.#swap(child, parent);
      child = parent;
    }
  }

  #down(from: number): void {
    let parent = from;
    for (;;) {
      const left = 2 * parent + 1;
      const earlier = this.#isEarlier(left + 1, left) ? left + 1 : left;
      if (!this.#isEarlier(earlier, parent)) return;
      this.#swap(parent, earlier);
      parent = earlier;
    }
  }

  #isEarlier(i: number, j: number): boolean {
    const a = this.#heads[i];
    const b = this.#heads[j];
    return a !== undefined && b !== undefined && compareEvents(a.event, b.event) < 0;
  }

  #swap(i: number, j: number): void {
    const a = this.#heads[i];
    const b = this.#heads[j];
    if (a === undefined || b === undefined) return;
    this.#heads[i] = b;
    this.#heads[j] = a;
  }
}
