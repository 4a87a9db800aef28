import { InvalidMessage } from "./invalid-message.js";

/** A 64-bit field that vmcslab keeps as a number. Throws {@link InvalidMessage} from 2^53 on, where numbers have gaps. */
export function toNumber(value: bigint, what: string): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER) || value < BigInt(Number.MIN_SAFE_INTEGER)) {
    throw new InvalidMessage(`${what} ${value} does not fit in 53 bits`);
  }
  return Number(value);
}

/** The value of a field that must be set. */
export function required<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new InvalidMessage(`${what} is missing`);
  return value;
}

/** An object without the keys whose value is undefined, for shapes in which absent and undefined differ. */
export type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

export function defined<T extends object>(values: T): Defined<T> {
  const result: Defined<T> = {};
  for (const key in values) {
    const value = values[key];
    if (isDefined(value)) result[key] = value;
  }
  return result;
}

function isDefined<T>(value: T): value is Exclude<T, undefined> {
  return value !== undefined;
}
