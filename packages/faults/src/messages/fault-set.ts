import type { Message } from "./matcher.js";
import type { Decision, MessageFaults } from "./message-faults.js";

/** The faults that strike the messages of a host: those it was made with, and those that were added since. */
export class FaultSet {
  #parts: readonly MessageFaults[];

  constructor(...parts: readonly MessageFaults[]) {
    this.#parts = parts;
  }

  add(part: MessageFaults): void {
    this.#parts = [...this.#parts, part];
  }

  remove(part: MessageFaults): void {
    this.#parts = this.#parts.filter((other) => other !== part);
  }

  get isActive(): boolean {
    return this.#parts.some((part) => part.isActive);
  }

  decide(message: Message): readonly Decision[] {
    return this.#parts.flatMap((part) => part.decide(message));
  }
}
