import type { Clock, Timer } from "./clock.js";

interface Pending {
  readonly dueNs: number;
  readonly callback: () => void;
}

/** Time that moves when it is told to, and then only: for tests of whatever waits. */
export class ManualClock implements Clock {
  #nowNs = 0;
  /** In the order in which they were set; those due at one time fire in it. */
  readonly #pending = new Set<Pending>();

  /** `startUs`: what its wall clock says at first. */
  constructor(readonly startUs = 0) {}

  /** Timers that have neither fired nor been cancelled. */
  get pending(): number {
    return this.#pending.size;
  }

  wallUs(): number {
    return this.startUs + Math.floor(this.#nowNs / 1000);
  }

  monoNs(): number {
    return this.#nowNs;
  }

  after(delayMs: number, callback: () => void): Timer {
    const timer: Pending = { dueNs: this.#nowNs + Math.round(delayMs * 1e6), callback };
    this.#pending.add(timer);
    return { cancel: () => void this.#pending.delete(timer) };
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted === true) {
        resolve();
        return;
      }
      const timer = this.after(delayMs, resolve);
      const aborted = (): void => {
        timer.cancel();
        resolve();
      };
      signal?.addEventListener("abort", aborted, { once: true });
    });
  }

  /** Lets so much time pass; what is due on the way is called at its time. */
  advance(byMs: number): void {
    const untilNs = this.#nowNs + Math.round(byMs * 1e6);
    for (let next = this.#next(untilNs); next !== undefined; next = this.#next(untilNs)) this.#fire(next);
    this.#nowNs = untilNs;
  }

  /** As {@link advance}; after each timer `settle` is awaited: whatever the timer began that takes turns. */
  async advanceThrough(byMs: number, settle: () => Promise<unknown>): Promise<void> {
    const untilNs = this.#nowNs + Math.round(byMs * 1e6);
    await settle();
    for (let next = this.#next(untilNs); next !== undefined; next = this.#next(untilNs)) {
      this.#fire(next);
      await settle();
    }
    this.#nowNs = untilNs;
  }

  #fire(timer: Pending): void {
    this.#pending.delete(timer);
    this.#nowNs = Math.max(this.#nowNs, timer.dueNs);
    timer.callback();
  }

  #next(untilNs: number): Pending | undefined {
    let first: Pending | undefined;
    for (const timer of this.#pending)
      if (timer.dueNs <= untilNs && (first === undefined || timer.dueNs < first.dueNs)) first = timer;
    return first;
  }
}
