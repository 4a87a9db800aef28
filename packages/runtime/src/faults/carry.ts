import type { Decision } from "@vmcslab/faults";
import type { Clock, Timer } from "../clock.js";

/** Timers of Node.js hold no more milliseconds. */
const DELAY_MS_MAX = 2_147_483_647;

/** What faults together do to one message. */
export interface Fate {
  readonly isLost: boolean;
  /** Its reply is. */
  readonly losesReply: boolean;
  readonly delayMs: number;
  /** What follows overtakes it. */
  readonly isOvertaken: boolean;
  /** How often it arrives. */
  readonly copies: number;
  /** Its sender is told this, by the first fault that has it told something. */
  readonly error: { readonly definite: boolean } | undefined;
}

const UNTOUCHED: Fate = {
  isLost: false,
  losesReply: false,
  delayMs: 0,
  isOvertaken: false,
  copies: 1,
  error: undefined,
};

/** Adds up what strikes a message, as the simulated network does. */
export function carry(decisions: readonly Decision[]): Fate {
  return decisions.reduce(struck, UNTOUCHED);
}

function struck(fate: Fate, decision: Decision): Fate {
  switch (decision.kind) {
    case "dropRequest":
      return { ...fate, isLost: true };
    case "dropReply":
      return { ...fate, losesReply: true };
    case "delay":
      return { ...fate, delayMs: later(fate, decision.delayNs) };
    case "reorder":
      return { ...fate, delayMs: later(fate, decision.byNs), isOvertaken: true };
    case "duplicate":
      return { ...fate, copies: fate.copies + decision.copies };
    case "error":
      // Where nobody knows, it may as well arrive.
      return {
        ...fate,
        error: fate.error ?? { definite: decision.definite },
        isLost: fate.isLost || decision.definite,
      };
  }
}

function later({ delayMs }: Fate, byNs: number): number {
  return Math.min(delayMs + byNs / 1e6, DELAY_MS_MAX);
}

interface Held {
  readonly arrive: () => void;
  isDue: boolean;
}

/** One direction of a link: what was sent later arrives later, unless a fault says otherwise. */
export class InOrder {
  readonly #clock: Clock;
  readonly #held: Held[] = [];
  readonly #timers = new Set<Timer>();
  #isClosed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** No fault strikes it. */
  pass(hand: () => void): void {
    if (this.#isClosed) return;
    if (this.#held.length === 0) hand();
    else this.#held.push({ arrive: hand, isDue: true });
  }

  deliver({ isLost, delayMs, isOvertaken, copies }: Fate, hand: () => void): void {
    if (isLost || this.#isClosed) return;
    const arrive = (): void => {
      for (let copy = 0; copy < copies && !this.#isClosed; copy++) hand();
    };
    if (isOvertaken) this.#later(delayMs, arrive);
    else if (delayMs > 0) this.#hold(arrive, delayMs);
    else this.pass(arrive);
  }

  /** What is held does not arrive any more, nor does anything later. */
  close(): void {
    this.#isClosed = true;
    this.#held.length = 0;
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }

  #hold(arrive: () => void, delayMs: number): void {
    const held: Held = { arrive, isDue: false };
    this.#held.push(held);
    this.#later(delayMs, () => {
      held.isDue = true;
      while (this.#held[0]?.isDue === true) this.#held.shift()?.arrive();
    });
  }

  #later(delayMs: number, callback: () => void): void {
    const timer = this.#clock.after(delayMs, () => {
      this.#timers.delete(timer);
      callback();
    });
    this.#timers.add(timer);
  }
}
