import { setImmediate as afterMicrotasks } from "node:timers/promises";
import { errorMessage } from "../../errors.js";
import type { RunClock } from "../target.js";

/** What moves virtual time: a simulated host's scheduler. */
export interface Steps {
  readonly nowNs: number;
  /** Calls what is due next, unless that is later. Whether it did. */
  step(limitNs: number): boolean;
  at(timeNs: number, callback: () => void): { cancel(): void };
}

/** Longer than any deadline: nobody waits so long for something that will happen. */
const STUCK_NS = 3_600_000_000_000;

/**
 * Lets virtual time pass for code that awaits. Time stands still unless somebody waits for it, and goes on only when everybody who was resumed waits again: between
 * two steps that resume somebody the pump gives way to the event loop once, and the event loop comes back only when no microtask is left, however many of them a
 * continuation takes. So the order of everything is that of one process's microtasks, and the machine's speed is not in it. What the waiting code must not do
 * is to await the machine (a file, a timer): time might pass meanwhile, and how much would be chance.
 */
export class VirtualTime {
  readonly clock: RunClock;
  readonly #steps: Steps;
  readonly #broken: (what: string) => void;
  /** How to end the wait of everybody who waits, when time can pass no more. */
  readonly #waiting = new Set<() => void>();
  #isPumping = false;
  #isBroken = false;
  #hasResumed = false;

  /** `broken` is told, in words, why no more time can pass. */
  constructor(steps: Steps, broken: (what: string) => void) {
    this.#steps = steps;
    this.#broken = broken;
    this.clock = {
      wallUs: () => Math.floor(steps.nowNs / 1_000),
      monoNs: () => steps.nowNs,
      sleep: (delayMs, signal) => this.#sleep(delayMs, signal),
    };
  }

  /** Waits until what `begin` has begun calls back; `lost` is the answer when it never will. */
  wait<T>(begin: (done: (value: T) => void) => void, lost: () => T): Promise<T> {
    return new Promise((resolve) => {
      if (this.#isBroken) {
        resolve(lost());
        return;
      }
      const giveUp = (): void => resolve(lost());
      this.#waiting.add(giveUp);
      begin((value) => {
        if (!this.#waiting.delete(giveUp)) return;
        this.#hasResumed = true;
        resolve(value);
      });
      if (!this.#isPumping) void this.#pump();
    });
  }

  #sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.resolve();
    const endNs = this.#steps.nowNs + Math.round(delayMs * 1e6);
    return this.wait<void>(
      (done) => {
        const finish = (): void => {
          timer.cancel();
          signal?.removeEventListener("abort", finish);
          done();
        };
        const timer = this.#steps.at(endNs, finish);
        signal?.addEventListener("abort", finish, { once: true });
      },
      () => undefined,
    );
  }

  async #pump(): Promise<void> {
    this.#isPumping = true;
    await afterMicrotasks();
    while (this.#waiting.size > 0) {
      this.#stepUntilResumed();
      await afterMicrotasks();
    }
    this.#isPumping = false;
  }

  #stepUntilResumed(): void {
    this.#hasResumed = false;
    const limitNs = this.#steps.nowNs + STUCK_NS;
    try {
      while (!this.#hasResumed && this.#waiting.size > 0)
        if (!this.#steps.step(limitNs)) throw new Error("an hour of virtual time passed, and no operation ended");
    } catch (thrown) {
      this.#breakDown(errorMessage(thrown));
    }
  }

  #breakDown(why: string): void {
    this.#isBroken = true;
    this.#broken(`the simulated host stopped: ${why}`);
    for (const giveUp of this.#waiting) giveUp();
    this.#waiting.clear();
  }
}
