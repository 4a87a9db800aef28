/**
 * The CPU's side of its lease. It says from time to time that it is there (a beat); L0's answer grants it so much time. The lease runs from the moment the beat was *sent*, so it ends before
 * L0, which counts from the later moment of its answer, may think so: no clock is compared with another, only the rates of two clocks are trusted, within L0's drift bound.
 * (Gray and Cheriton, "Leases: an efficient fault-tolerant mechanism for distributed file cache consistency", SOSP 1989.)
 */
export class CpuLease {
  /** Beats without an answer: when each was sent, in ns of this CPU's monotonic clock. */
  readonly #sentNs = new Map<number, number>();
  #lastBeat = 0;
  #endsNs = Number.NEGATIVE_INFINITY;

  /** A beat is sent now; its number travels with it. */
  beat(nowNs: number): number {
    const beat = ++this.#lastBeat;
    this.#sentNs.set(beat, nowNs);
    return beat;
  }

  /** L0 answered a beat. `durationNs` 0: it wants no leases, and waits for this CPU however long it is silent. */
  granted(beat: number, durationNs: number): void {
    const sentNs = this.#sentNs.get(beat);
    if (sentNs === undefined) return;
    // Answers to earlier beats can only grant less.
    for (const earlier of [...this.#sentNs.keys()]) if (earlier <= beat) this.#sentNs.delete(earlier);
    const endsNs = durationNs === 0 ? Number.POSITIVE_INFINITY : sentNs + durationNs;
    this.#endsNs = durationNs === 0 ? endsNs : Math.max(this.#endsNs, endsNs);
  }

  /** When it ends; +Infinity: never; -Infinity: there is none yet. */
  get endsNs(): number {
    return this.#endsNs;
  }

  /** Without it this CPU executes nothing for L0. */
  isHeld(nowNs: number): boolean {
    return nowNs < this.#endsNs;
  }
}
