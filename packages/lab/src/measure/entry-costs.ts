/** What nested entries cost in messages and VMWRITEs, from the history. */
import type { HistoryEvent } from "@vmcslab/history";

export interface EntryReport {
  /** Nested entries that reached L2. */
  readonly count: number;
  /** How often L0 waited for CPUs from L1's VMLAUNCH or VMRESUME until L2 ran, in the operation with the entry. */
  readonly roundTrips: { readonly mean: number; readonly max: number };
  /** VMWRITEs to vmcs02s, those after a move included, per nested entry. */
  readonly vmwrites: { readonly mean: number; readonly total: number };
}

/** Give it the events of all sources in causal order. */
export class EntryCosts {
  readonly #isMeasured: (atNs: number) => boolean;
  /** Regions that hold a vmcs02 now. */
  readonly #vmcs02s = new Set<number>();
  #entries = 0;
  #roundTrips = 0;
  #roundTripsMax = 0;
  #vmwrites = 0;

  /** `isMeasured`: whether what happens so long after the workload's start is not of the warm-up. */
  constructor(isMeasured: (atNs: number) => boolean) {
    this.#isMeasured = isMeasured;
  }

  /** `atNs`: when it happened, after the workload's start. */
  observe({ kind, region = -1, role, count = 0 }: HistoryEvent, atNs: number): void {
    switch (kind) {
      case "vmcs.allocated":
      case "vmcs.restored":
        if (role === "vmcs02") this.#vmcs02s.add(region);
        else this.#vmcs02s.delete(region);
        return;
      case "vmcs.write":
        if (this.#vmcs02s.has(region) && this.#isMeasured(atNs)) this.#vmwrites += count;
        return;
      case "nested.enter":
        if (!this.#isMeasured(atNs)) return;
        this.#entries++;
        this.#roundTrips += count;
        this.#roundTripsMax = Math.max(this.#roundTripsMax, count);
    }
  }

  /** Undefined: there was no nested entry. */
  report(): EntryReport | undefined {
    const count = this.#entries;
    if (count === 0) return undefined;
    const perEntry = (total: number): number => Math.round((total / count) * 1_000) / 1_000;
    return {
      count,
      roundTrips: { mean: perEntry(this.#roundTrips), max: this.#roundTripsMax },
      vmwrites: { mean: perEntry(this.#vmwrites), total: this.#vmwrites },
    };
  }
}
