import { fieldByName } from "@vmcslab/vmx";
import { UsageError } from "../errors.js";
import { parseDurationNs } from "../experiment/units.js";
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

  /** What was written as `key=value`. */
  get named(): ReadonlyMap<string, string> {
    return this.#call.named;
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

  /** One of a few words. */
  choice<T extends string>(key: string, choices: readonly T[], fallback: T): T {
    if (!this.has(key)) return fallback;
    const text = this.text(key);
    const choice = choices.find((known) => known === text);
    if (choice === undefined) throw new UsageError(`${key}=${text}: one of ${choices.join(", ")}`);
    return choice;
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

  /** Nanoseconds of a duration with its unit. */
  durationNs(key: string, fallback: number): number {
    return this.has(key) ? parseDuration(`${key}=`, this.text(key)) : fallback;
  }

  field(key: string): bigint {
    const text = this.text(key);
    const known = fieldByName(text);
    return known === undefined ? parseNumber(key, text) : BigInt(known.encoding);
  }
}

/** `what`: what stands in front of the text, for the message. */
export function parseDuration(what: string, text: string): number {
  const ns = parseDurationNs(text);
  if (ns === undefined || ns < 0)
    throw new UsageError(`${what}${text}: a duration with its unit, such as 250us, 5ms or 1s`);
  return ns;
}

function parseNumber(key: string, text: string): bigint {
  if (!/^(0x[0-9a-f]+|\d+)$/i.test(text)) throw new UsageError(`${key}=${text}: a number (decimal or 0x…)`);
  return BigInt(text);
}
