import { InvalidMessage } from "./codec/invalid-message.js";

const DAY_US = 24 * 3600 * 1e6;
/** Of a purely logical clock: above it there is room for as many events again. */
const LOGICAL_MAX = 2 ** 52;

/**
 * Lamport's logical clock ("Time, Clocks, and the Ordering of Events", 1978): every event ticks it, every message carries it, and who
 * receives a message advances to at least what it carries. So a cause has a smaller number than its effect. It never falls behind the machine's wall clock, as a hybrid
 * logical clock (Kulkarni et al., "Logical Physical Clocks", 2014): then events of a service that was killed and started again, and knows nothing of its last life, come behind those of that life, and what
 * happened independently stands in the order of time as well as the clocks agree.
 */
export class LamportClock {
  readonly #wallUs: () => number;
  #now = 0;

  /** `wallUs`: microseconds. Default: a purely logical clock. */
  constructor(wallUs: () => number = () => 0) {
    this.#wallUs = wallUs;
  }

  /** What a message sent now carries. */
  get now(): number {
    return this.#now;
  }

  /** The number of an event that happens now. */
  tick(): number {
    this.#now = Math.max(this.#now + 1, this.#wallUs());
    return this.#now;
  }

  /**
   * Throws {@link InvalidMessage} for a number that no clock has come to, if machines agree to within so many days. Who adopted it would soon have no number left that others
   * can read, and so would everybody that it talks to.
   */
  check(received: number, days: number): void {
    const wallUs = this.#wallUs();
    const max = wallUs === 0 ? LOGICAL_MAX : wallUs + days * DAY_US;
    if (received > max)
      throw new InvalidMessage(
        `lamport ${received}: the clock is more than ${days * 24} h ahead of this machine's, ${wallUs}`,
      );
  }

  /** A message with this number arrived. */
  witness(received: number): void {
    if (received > this.#now) this.#now = received;
  }
}
