import type { Decision, Message, MessageFaults } from "@vmcslab/faults";

/** The faults that strike the messages of a host: those it was made with, and those that were added since. */
export class FaultSet {
  readonly #parts: MessageFaults[];

  constructor(first: MessageFaults) {
    this.#parts = [first];
  }

  add(part: MessageFaults): void {
    this.#parts.push(part);
  }

  get isActive(): boolean {
    return this.#parts.some((part) => part.isActive);
  }

  decide(message: Message): readonly Decision[] {
    return this.#parts.flatMap((part) => part.decide(message));
  }
}
