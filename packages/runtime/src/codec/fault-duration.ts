import { LIMITS } from "../limits.js";
import { InvalidMessage } from "./invalid-message.js";
import { toNumber } from "./numbers.js";

const SECONDS_MAX = LIMITS.faultSeconds.max;

/** Nanoseconds, back or forth. Nobody breaks a host for more than a day, and timers end somewhere. */
export function durationNs(value: bigint, what: string): number {
  const ns = toNumber(value, what);
  if (Math.abs(ns) > SECONDS_MAX * 1e9)
    throw new InvalidMessage(`${what} ${ns} is more than a day, ${SECONDS_MAX}000000000`);
  return ns;
}
