import type { Timer } from "@vmcslab/nested";

class Entry implements Timer {
  /** Place in the heap; -1: fired or cancelled. */
  index = -1;

  constructor(
    readonly timeNs: number,
    readonly number: number,
    public callback: () => void,
    private readonly owner: Scheduler,
  ) {}

  cancel(): void {
    this.owner.remove(this);
  }
}

/**
 * Virtual time: what is due is called in the order of its time, and of its number where times are equal. A binary heap that knows where its entries are, so that a
 * cancelled timer costs nothing afterwards.
 */
export class Scheduler {
  readonly #heap: Entry[] = [];
  #nowNs = 0;
  #numbers = 0;
  #steps = 0;

  /** Nanoseconds since the simulation began. */
  get nowNs(): number {
    return this.#nowNs;
  }

  /** Messages delivered and timers fired. */
  get steps(): number {
    return this.#steps;
  }

  get pending(): number {
    return this.#heap.length;
  }

  at(timeNs: number, callback: () => void): Timer {
    const entry = new Entry(timeNs < this.#nowNs ? this.#nowNs : timeNs, this.#numbers++, callback, this);
    this.#heap.push(entry);
    this.#up(entry, this.#heap.length - 1);
    return entry;
  }

  /** Calls what is due next, unless that is later than `limitNs`. Whether it did. */
  step(limitNs: number): boolean {
    const first = this.#heap[0];
    if (first === undefined || first.timeNs > limitNs) return false;
    this.remove(first);
    this.#nowNs = first.timeNs;
    this.#steps++;
    first.callback();
    return true;
  }

  /** For its entries. */
  remove(entry: Entry): void {
    const { index } = entry;
    if (index < 0) return;
    entry.index = -1;
    const last = this.#heap.pop();
    if (last === undefined || last === entry) return;
    // Whichever way it has to go from here.
    this.#down(last, index);
    if (last.index === index) this.#up(last, index);
  }

  #up(entry: Entry, from: number): void {
    const heap = this.#heap;
    let index = from;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || isBefore(above, entry)) break;
      heap[index] = above;
      above.index = index;
      index = parent;
    }
    heap[index] = entry;
    entry.index = index;
  }

  #down(entry: Entry, from: number): void {
    const heap = this.#heap;
    let index = from;
    for (;;) {
      let child = 2 * index + 1;
      let below = heap[child];
      if (below === undefined) break;
      const right = heap[child + 1];
      if (right !== undefined && isBefore(right, below)) {
        child++;
        below = right;
      }
      if (isBefore(entry, below)) break;
      heap[index] = below;
      below.index = index;
      index = child;
    }
    heap[index] = entry;
    entry.index = index;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.timeNs < b.timeNs || (a.timeNs === b.timeNs && a.number < b.number);
}
