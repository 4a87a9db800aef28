import type { RandomStream } from "@vmcslab/faults";
import { type Hypervisor, JournalImage, type JournalRecord, type Remembered } from "@vmcslab/nested";
import type { Scheduler } from "../engine/scheduler.js";

export interface SimJournalOptions {
  readonly scheduler: Scheduler;
  /** How long a record takes to be durable, in ns. */
  readonly durableNs: number;
  readonly random: RandomStream;
  readonly watch?: JournalWatch;
}

/** Compares what a restarted L0 knows with what the last one knew. */
export interface JournalWatch {
  /** L0 has just recorded this; its state is what was recorded. */
  appended(hypervisor: Hypervisor, record: JournalRecord): void;
  /** L0 died; of the records since the last crash the first `kept` are left. */
  crashed(kept: number): void;
  /** L0 is back, and has done nothing yet. */
  restored(hypervisor: Hypervisor): void;
}

/** Where L0's records outlive it. Those that were not durable when it died are kept up to a random one: they are stored in their order. */
export class SimJournal {
  readonly #options: SimJournalOptions;
  #records: JournalRecord[] = [];
  /** Of all that were appended. */
  #durable = 0;
  /** How many of them the last crash left. */
  #old = 0;
  #waiting: { readonly upTo: number; readonly tell: () => void }[] = [];
  /** Of L0: what an earlier one's disk still answers says nothing to this one. */
  #life = 0;

  constructor(options: SimJournalOptions) {
    this.#options = options;
  }

  append(hypervisor: Hypervisor, record: JournalRecord): void {
    const { scheduler, durableNs, watch } = this.#options;
    watch?.appended(hypervisor, record);
    this.#records.push(record);
    const upTo = this.#records.length;
    const life = this.#life;
    scheduler.at(scheduler.nowNs + durableNs, () => {
      if (life === this.#life) this.#stored(upTo);
    });
  }

  /** When everything appended so far is durable. */
  whenDurable(tell: () => void): void {
    const upTo = this.#records.length;
    if (upTo <= this.#durable) tell();
    else this.#waiting.push({ upTo, tell });
  }

  /** L0 died. */
  crashed(): void {
    const unsafe = this.#records.length - this.#durable;
    this.#records.length = this.#durable + (unsafe === 0 ? 0 : this.#options.random.below(unsafe + 1));
    this.#durable = this.#records.length;
    this.#waiting = [];
    this.#life++;
    this.#options.watch?.crashed(this.#records.length - this.#old);
  }

  /** What the next life finds. Undefined: it is the first. */
  remembered(life: number): Remembered | undefined {
    if (life === 0) return undefined;
    const image = new JournalImage();
    for (const record of this.#records) image.apply(record);
    // As a journal is rewritten when it has grown long.
    this.#records = image.records();
    this.#durable = this.#records.length;
    this.#old = this.#durable;
    return { image, life };
  }

  restored(hypervisor: Hypervisor): void {
    this.#options.watch?.restored(hypervisor);
  }

  #stored(upTo: number): void {
    this.#durable = Math.max(this.#durable, upTo);
    const ready = this.#waiting.filter((waiting) => waiting.upTo <= this.#durable);
    this.#waiting = this.#waiting.filter((waiting) => waiting.upTo > this.#durable);
    for (const { tell } of ready) tell();
  }
}
