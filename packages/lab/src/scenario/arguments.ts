import { fieldByName } from "@vmcslab/vmx";
import { UsageError } from "../errors.js";
import { didYouMean } from "../text/suggest.js";
import type { CommandCall } from "./parse.js";

/** Typed access to the arguments of one command; complains in the words of its author. */
export class Arguments {
  readonly #call: CommandCall;
  readonly #known: readonly string[];

  constructor(call: CommandCall, known: readonly string[]) {
    this.#call = call;
    this.#known = known;
    for (const key of call.named.keys()) {
      if (!known.includes(key)) throw new UsageError(`${call.name} has no argument "${key}"${didYouMean(key, known)}`);
    }
  }

  has(key: string): boolean {
    return this.#call.named.has(key);
  }

  get words(): readonly string[] {
    return this.#call.words;
  }

  text(key: string): string {
    const value = this.#call.named.get(key);
    if (value === undefined)
      throw new UsageError(`${this.#call.name} needs ${key}=… (it takes ${this.#known.join(", ")})`);
    return value;
  }

  word(index: number, what: string): string {
    const word = this.#call.words[index];
    if (word === undefined) throw new UsageError(`${this.#call.name} needs ${what}`);
    return word;
  }

  number(key: string, fallback?: number): number {
    if (fallback !== undefined && !this.has(key)) return fallback;
    const value = Number(this.text(key));
    if (!Number.isSafeInteger(value) || value < 0)
      throw new UsageError(`${key}=${this.text(key)}: a whole number from 0`);
    return value;
  }

  bigint(key: string, fallback?: bigint): bigint {
    if (fallback !== undefined && !this.has(key)) return fallback;
    return parseNumber(key, this.text(key));
  }

  field(key: string): bigint {
    const text = this.text(key);
    const known = fieldByName(text);
    return known === undefined ? parseNumber(key, text) : BigInt(known.encoding);
  }
}

function parseNumber(key: string, text: string): bigint {
  if (!/^(0x[0-9a-f]+|\d+)$/i.test(text)) throw new UsageError(`${key}=${text}: a number (decimal or 0x…)`);
  return BigInt(text);
}
