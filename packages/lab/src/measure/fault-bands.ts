/** When faults acted, from the history. */
import type { HistoryEvent } from "@vmcslab/history";
import type { FaultBand } from "./latency-file.js";

export class FaultBands {
  readonly #ended: FaultBand[] = [];
  /** Acting: by name and victim. */
  readonly #acting = new Map<string, FaultBand>();

  /** `atNs`: when it happened, after the workload's start. */
  observe({ kind, cause = "", instruction = "", cpu }: HistoryEvent, atNs: number): void {
    if (kind !== "fault.injected" && kind !== "fault.healed") return;
    const atMs = atNs / 1e6;
    const key = `${cause} ${cpu ?? ""}`;
    const acting = this.#acting.get(key);
    if (kind === "fault.injected") {
      if (acting === undefined)
        this.#acting.set(key, {
          name: cause,
          action: instruction,
          ...(cpu === undefined ? {} : { cpu }),
          fromMs: atMs,
        });
    } else if (acting !== undefined) {
      this.#acting.delete(key);
      this.#ended.push({ ...acting, toMs: atMs });
    }
  }

  bands(): FaultBand[] {
    return [...this.#ended, ...this.#acting.values()].toSorted((left, right) => left.fromMs - right.fromMs);
  }
}
