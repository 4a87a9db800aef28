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

  /** A message with this number arrived. */
  witness(received: number): void {
    if (received > this.#now) this.#now = received;
  }
}
