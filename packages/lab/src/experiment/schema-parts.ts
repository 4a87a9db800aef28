/** The values that several parts of the experiment's schema take: durations, whole numbers. */
import { z } from "zod";
import { DURATION_PATTERN, EXTENT_PATTERN, LEASE_PATTERN, SIGNED_DURATION_PATTERN } from "./units.js";

/** CPUs that one host may have here: each is a process of its own. */
export const CPUS_MAX = 64;
/** The highest count of messages, events or allocations. */
export const TIMES_MAX = 1_000_000_000;

const DURATION_MESSAGE = 'not a duration; write a number and us, ms, s or min, such as "250ms" or "10s"';

const durationText = () => z.string({ error: (issue) => withUnit(issue.input, "a duration", (value) => `${value}s`) });

export const duration = durationText().regex(DURATION_PATTERN, DURATION_MESSAGE);

/** A duration that may be negative. */
export const signedDuration = durationText().regex(SIGNED_DURATION_PATTERN, DURATION_MESSAGE);

/** How long a workload lasts. */
export const extent = durationText().regex(EXTENT_PATTERN, `${DURATION_MESSAGE}, or "faults"`);

/** How long a fault lasts. */
export const lease = durationText().regex(LEASE_PATTERN, `${DURATION_MESSAGE}, or "forever"`);

export const wholeNumber = (min: number, max: number) => {
  const error = `must be a whole number from ${min} to ${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
};

export const count = (max: number) => wholeNumber(1, max);

/** What to say of a value that should be text with a unit. */
export function withUnit(input: unknown, what: string, example: (value: number) => string): string {
  if (typeof input === "number") return `${what} needs a unit, and quotes do not hurt: write "${example(input)}"`;
  return `must be ${what}, as text`;
}
