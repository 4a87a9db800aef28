/** Time, as a core may use it: to be called later. The runtime's clock and the simulator's both are this. */

/** A pending call, to be cancelled. */
export interface Timer {
  cancel(): void;
}

export interface Timers {
  /** Runs `callback` once, no earlier than in `delayMs`. */
  after(delayMs: number, callback: () => void): Timer;
}
