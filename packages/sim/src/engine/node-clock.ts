import type { Timer, Timers } from "@vmcslab/nested";
import type { Scheduler } from "./scheduler.js";

/** The clocks of one node: a monotonic one whose rate may be wrong, and a wall clock that may be wrong altogether. Everything a node knows of time comes from here. */
export class NodeClock implements Timers {
  readonly #scheduler: Scheduler;
  #rate = 1;
  /** True and local time at the last change of the rate. */
  #trueNs = 0;
  #localNs = 0;
  #wallOffsetNs = 0;
  /** Timers of an earlier life do not fire. */
  #life = 0;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  /** Monotonic, in ns of this clock. */
  get nowNs(): number {
    return this.#localNs + (this.#scheduler.nowNs - this.#trueNs) * this.#rate;
  }

  /** Microseconds; the simulation begins at 0. */
  get wallUs(): number {
    return Math.floor((this.nowNs + this.#wallOffsetNs) / 1000);
  }

  /** The wall clock jumps by `offsetNs`, and from now on both gain `ppm` parts per million. A monotonic clock never jumps. */
  skew(ppm: number, offsetNs: number): void {
    this.#localNs = this.nowNs;
    this.#trueNs = this.#scheduler.nowNs;
    this.#rate = 1 + ppm / 1e6;
    this.#wallOffsetNs += offsetNs;
  }

  /** The node restarts: whatever it waited for is forgotten. */
  forget(): void {
    this.#life++;
  }

  after(delayMs: number, callback: () => void): Timer {
    return this.afterNs(delayMs * 1e6, callback);
  }

  afterNs(delayNs: number, callback: () => void): Timer {
    const life = this.#life;
    return this.#scheduler.at(this.#scheduler.nowNs + Math.ceil(delayNs / this.#rate), () => {
      if (life === this.#life) callback();
    });
  }
}
