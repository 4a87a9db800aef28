import { CpuLives, type LeaseTerms, type Timer } from "@vmcslab/nested";
import type { Clock } from "@vmcslab/runtime";

/** Readings of a monotonic clock may be this coarse, on either side. */
const CLOCK_GRANULARITY_NS = 1e6;

export interface FenceWatchOptions {
  readonly terms: LeaseTerms;
  readonly clock: Clock;
  /** The last lease of this life has ended on any clock within the drift bound. */
  readonly onFenced: (cpu: number, incarnation: number) => void;
}

/** Which life of each CPU L0 counts on, and a timer for the next of them whose fence deadline passes. */
export class FenceWatch {
  readonly #options: FenceWatchOptions;
  readonly #lives: CpuLives;
  #timer: Timer | undefined;

  constructor(options: FenceWatchOptions) {
    this.#options = options;
    this.#lives = new CpuLives(options.terms);
  }

  /** CPUs are granted leases; without them a silent CPU is waited for. */
  get grants(): boolean {
    return this.#options.terms.durationNs > 0;
  }

  /** See CpuLives.heard. */
  heard(cpu: number, incarnation: number): "new" | "known" | "over" {
    const heard = this.#lives.heard(cpu, incarnation, this.#options.clock.monoNs());
    this.#timer ??= this.#watch();
    return heard;
  }

  /** See CpuLives.newest. */
  newest(cpu: number): number {
    return this.#lives.newest(cpu);
  }

  /** This life of the CPU is over for another reason than its fence. */
  ended(cpu: number, incarnation: number): void {
    this.#lives.ended(cpu, incarnation);
  }

  close(): void {
    this.#timer?.cancel();
  }

  /** Undefined: there is no deadline to wait for. */
  #watch(): Timer | undefined {
    const { clock, onFenced } = this.#options;
    const { nextFenceNs } = this.#lives;
    if (!Number.isFinite(nextFenceNs)) return undefined;
    const delayNs = nextFenceNs + CLOCK_GRANULARITY_NS - clock.monoNs();
    return clock.after(Math.max(0, delayNs / 1e6), () => {
      for (const { cpu, incarnation } of this.#lives.fence(clock.monoNs() - CLOCK_GRANULARITY_NS))
        onFenced(cpu, incarnation);
      this.#timer = this.#watch();
    });
  }
}
