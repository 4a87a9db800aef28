import type { EventFact, HistoryEvent } from "@vmcslab/history";

/**
 * The history of a host in one process. There is one thread of control, so the order in which facts are stated is an order of causes, and its
 * number serves as every clock.
 */
export class InMemoryHistory {
  readonly events: HistoryEvent[] = [];
  readonly #host: string;
  readonly #sequences = new Map<string, number>();

  constructor(host: string) {
    this.#host = host;
  }

  readonly record = (source: string, incarnation: number, fact: EventFact): void => {
    const life = `${source} ${incarnation}`;
    const seq = (this.#sequences.get(life) ?? 0) + 1;
    this.#sequences.set(life, seq);
    const at = this.events.length + 1;
    const stamped = { host: this.#host, source, incarnation, seq, lamport: at, wallUs: at, monoNs: at };
    this.events.push({ ...fact, ...stamped });
  };
}
