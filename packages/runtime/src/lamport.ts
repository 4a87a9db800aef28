/**
 * Lamport's logical clock ("Time, Clocks, and the Ordering of Events", 1978): every event ticks it, every message carries it, and who
 * receives a message advances to at least what it carries. So a cause has a smaller number than its effect.
 */
export class LamportClock {
  #now = 0;

  /** What a message sent now carries. */
  get now(): number {
    return this.#now;
  }

  /** The number of an event that happens now. */
  tick(): number {
    this.#now++;
    return this.#now;
  }

  /** A message with this number arrived. */
  witness(received: number): void {
    if (received > this.#now) this.#now = received;
  }
}
