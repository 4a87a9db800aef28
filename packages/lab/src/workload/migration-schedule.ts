/** When a vcpu moves, over the whole host. */

import type { RandomStream } from "@vmcslab/faults";
import type { MigrationRate } from "../experiment/units.js";

export interface MigrationSchedule {
  /** One more nested entry happened. */
  noteEntry(): void;
  /** Claims a move that is due; the vcpu that asks makes it. */
  takeDue(): boolean;
}

export function migrationSchedule(rate: MigrationRate, nowNs: () => number, random: RandomStream): MigrationSchedule {
  switch (rate.kind) {
    case "never":
      return { noteEntry: () => {}, takeDue: () => false };
    case "everyEntries":
      return new EveryEntries(rate.entries);
    case "perSecond":
      return new PerSecond(rate.perSecond, nowNs, random);
  }
}

class EveryEntries implements MigrationSchedule {
  #entries = 0;
  #due = 0;
  readonly #every: number;

  constructor(every: number) {
    this.#every = every;
  }

  noteEntry(): void {
    this.#entries++;
    if (this.#entries % this.#every === 0) this.#due++;
  }

  takeDue(): boolean {
    if (this.#due === 0) return false;
    this.#due--;
    return true;
  }
}

/** Intervals are drawn evenly between half and one and a half of the mean, so that moves do not fall into step with entries. */
class PerSecond implements MigrationSchedule {
  readonly #meanNs: number;
  readonly #nowNs: () => number;
  readonly #random: RandomStream;
  #nextNs: number;

  constructor(perSecond: number, nowNs: () => number, random: RandomStream) {
    this.#meanNs = 1e9 / perSecond;
    this.#nowNs = nowNs;
    this.#random = random;
    this.#nextNs = nowNs() + this.#drawIntervalNs();
  }

  noteEntry(): void {}

  takeDue(): boolean {
    if (this.#nowNs() < this.#nextNs) return false;
    this.#nextNs += this.#drawIntervalNs();
    return true;
  }

  #drawIntervalNs(): number {
    return this.#meanNs * (0.5 + this.#random.below(1_000) / 1_000);
  }
}
