import { InvalidMessage } from "./invalid-message.js";

/**
 * Names of the domain and their numbers on the wire, in both directions. A table of all names makes a new one a compile error
 * until it has a number.
 */
export class NameCodec<Name extends string, Wire extends number> {
  readonly #toWire: Readonly<Record<Name, Wire>>;
  readonly #toName = new Map<number, Name>();
  readonly #what: string;

  constructor(what: string, toWire: Readonly<Record<Name, Wire>>) {
    this.#what = what;
    this.#toWire = toWire;
    for (const name in toWire) this.#toName.set(toWire[name], name);
  }

  toWire(name: Name): Wire {
    return this.#toWire[name];
  }

  /** Throws {@link InvalidMessage} for a number without a name, UNSPECIFIED included. */
  fromWire(wire: number): Name {
    const name = this.#toName.get(wire);
    if (name === undefined) throw new InvalidMessage(`${this.#what} ${wire} is not known`);
    return name;
  }
}
