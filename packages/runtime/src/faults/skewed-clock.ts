import type { Clock, Timer } from "../clock.js";

/**
 * A clock that a fault may make wrong: its monotonic time runs at another rate, its wall time jumps too. Without skew it is the clock it was made of. Timers that are running when the rate changes end by
 * the rate that they were started with.
 */
export class SkewedClock implements Clock {
  readonly #clock: Clock;
  #rate = 1;
  /** True and own monotonic time at the last change of the rate. */
  #trueNs = 0;
  #ownNs = 0;
  #wallOffsetUs = 0;
  #trueUs = 0;
  #ownUs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The wall clock jumps by `offsetNs`, and from now on both gain `ppm` parts per million. A monotonic clock never jumps. */
  skew(ppm: number, offsetNs: number): void {
    this.#ownNs = this.monoNs();
    this.#ownUs = this.wallUs() - this.#wallOffsetUs;
    this.#trueNs = this.#clock.monoNs();
    this.#trueUs = this.#clock.wallUs();
    this.#rate = 1 + ppm / 1e6;
    this.#wallOffsetUs += Math.round(offsetNs / 1000);
  }

  monoNs(): number {
    return Math.round(this.#ownNs + (this.#clock.monoNs() - this.#trueNs) * this.#rate);
  }

  wallUs(): number {
    return Math.round(this.#ownUs + (this.#clock.wallUs() - this.#trueUs) * this.#rate) + this.#wallOffsetUs;
  }

  after(delayMs: number, callback: () => void): Timer {
    return this.#clock.after(delayMs / this.#rate, callback);
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return this.#clock.sleep(delayMs / this.#rate, signal);
  }
}
