import type { EventKind, HistoryEvent } from "../event.js";

/**
 * The checker of one invariant. It sees each event before the host view does: the view it was constructed with is the state that the event meets.
 * Between events it keeps memory for what lives, never for what happened.
 */
export interface Checker {
  /** The kinds it is called for. */
  readonly kinds: readonly EventKind[];
  observe(event: HistoryEvent): void;
  /** The history ends here; `complete` when nothing may follow. */
  finish?(complete: boolean): void;
  /** Events of this CPU are missing: nothing learned from it may be relied on. */
  forgetCpu?(cpu: number): void;
  /** Events of L0 are missing, or it began a new life. */
  forgetL0?(): void;
}
