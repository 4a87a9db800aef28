/** A cross-CPU clear taken apart into the phases it went through, from its two events. */
import type { HistoryEvent } from "./event.js";

/** In the order in which a clear passes them. Each is in nanoseconds, and together they are the whole. */
export const CLEAR_PHASES = [
  /** In L0: from the decision until the batch is handed to the link. */
  "queued",
  /** To the CPU, being sent again included. */
  "wire",
  /** At the CPU, until its first instruction: decoding, and batches before it. */
  "waiting",
  /** The instructions around the VMCLEAR: the interrupt, the guest's exit and its resumption, other VMCSs' VMCLEARs. */
  "executing",
  /** Its VMCLEAR. */
  "flush",
  /** To L0, encoding included. */
  "back",
  /** In L0: decoding, storing the image, and waiting for other CPUs that are cleared with it. */
  "completing",
] as const;

export type ClearPhase = (typeof CLEAR_PHASES)[number];

/** One cross-CPU clear that was carried out. */
export interface TimedClear {
  /** The CPU the caller was on, and the one that held the VMCS. */
  readonly from: number;
  readonly to: number;
  /** Nanoseconds of L0's monotonic clock when it was decided and when it was applied. */
  readonly decidedNs: number;
  readonly appliedNs: number;
  /** Absent: nobody took the times. */
  readonly phasesNs?: Readonly<Record<ClearPhase, number>>;
  /** L0 and the CPU read one clock. Otherwise `wire` and `back` are each half of what both ways took together. */
  readonly oneClock: boolean;
}

/** Pairs each `ipi.acked` with its `ipi.sent`. Give it L0's events in their order. */
export class ClearFollower {
  /** When a clear was decided, by its VMCS and activation. */
  readonly #decidedNs = new Map<string, number>();

  /** The clear that ended with this event, if one did. */
  observe(event: HistoryEvent): TimedClear | undefined {
    if (event.kind !== "ipi.sent" && event.kind !== "ipi.acked") return undefined;
    const key = `${event.incarnation}/${event.vmcs}/${event.epoch}`;
    if (event.kind === "ipi.sent") {
      // Asked for again after a deadline: the first decision is what it has been waited for since.
      if (!this.#decidedNs.has(key)) this.#decidedNs.set(key, event.monoNs);
      return undefined;
    }
    const decidedNs = this.#decidedNs.get(key);
    this.#decidedNs.delete(key);
    if (decidedNs === undefined) return undefined;
    return timedClear(event, decidedNs);
  }
}

function timedClear({ from = -1, to = -1, monoNs, timing }: HistoryEvent, decidedNs: number): TimedClear {
  const clear = { from, to, decidedNs, appliedNs: monoNs };
  if (timing === undefined) return { ...clear, oneClock: false };
  const { handedNs, arrivedNs, receivedNs, waitedNs, executedNs, flushedNs } = timing;
  const waysNs = arrivedNs - handedNs - waitedNs - executedNs;
  const wireNs = receivedNs - handedNs;
  // Clocks that claim to be one and are not would have a message arrive before it was sent.
  const oneClock = timing.oneClock && wireNs >= 0 && wireNs <= waysNs;
  const wire = oneClock ? wireNs : Math.floor(waysNs / 2);
  return {
    ...clear,
    oneClock,
    phasesNs: {
      queued: handedNs - decidedNs,
      wire,
      waiting: waitedNs,
      executing: executedNs - flushedNs,
      flush: flushedNs,
      back: waysNs - wire,
      completing: monoNs - arrivedNs,
    },
  };
}
