/** Durations and rates as people write them: always with a unit. */

const DURATION_UNITS_US = { us: 1, ms: 1_000, s: 1_000_000, min: 60_000_000 } as const;
const RATE_MULTIPLIERS = { "": 1, k: 1_000, M: 1_000_000 } as const;

export const DURATION_PATTERN = /^(\d+(?:\.\d+)?)\s*(us|ms|s|min)$/;
export const SIGNED_DURATION_PATTERN = /^-?\d+(?:\.\d+)?\s*(?:us|ms|s|min)$/;
/** A duration, or without end. */
export const LEASE_PATTERN = /^(?:\d+(?:\.\d+)?\s*(?:us|ms|s|min)|forever)$/;
/** A duration, or as long as the faults last. */
export const EXTENT_PATTERN = /^(?:\d+(?:\.\d+)?\s*(?:us|ms|s|min)|faults)$/;
export const WHILE_FAULTS = "faults";
/** So many per second, or one in so many nested entries. */
export const MIGRATION_RATE_PATTERN = /^(?:(\d+(?:\.\d+)?)\s*(k|M|)\/s|every\s+([1-9]\d*)\s+entries|never)$/;

/** So many per second. */
export const RATE_PATTERN = /^(\d+(?:\.\d+)?)\s*(k|M|)\/s$/;
/** So many units of load. */
export const WARMUP_UNITS_PATTERN = /^([1-9]\d{0,7}) units$/;
/** A duration, or so many units of load. */
export const WARMUP_PATTERN = /^(?:\d+(?:\.\d+)?\s*(?:us|ms|s|min)|[1-9]\d{0,7} units)$/;

/** When a vcpu moves to another CPU. */
export type MigrationRate =
  | { readonly kind: "perSecond"; readonly perSecond: number }
  | { readonly kind: "everyEntries"; readonly entries: number }
  | { readonly kind: "never" };

/** Microseconds of `250us`, `1.5ms`, `10s` or `2min`; undefined when the text is none of these. */
export function parseDurationUs(text: string): number | undefined {
  const [, amount, unit] = DURATION_PATTERN.exec(text) ?? [];
  if (amount === undefined || unit === undefined || !isKeyOf(DURATION_UNITS_US, unit)) return undefined;
  return Number(amount) * DURATION_UNITS_US[unit];
}

/** Nanoseconds, rounded, of a duration that may be negative; undefined when the text is none. */
export function parseDurationNs(text: string): number | undefined {
  const isNegative = text.startsWith("-");
  const us = parseDurationUs(isNegative ? text.slice(1) : text);
  if (us === undefined) return undefined;
  const ns = Math.round(us * 1_000);
  return isNegative && ns !== 0 ? -ns : ns;
}

/** As parseDurationNs, of text that is known to be a duration. */
export function nanoseconds(text: string): number {
  const ns = parseDurationNs(text);
  if (ns === undefined) throw new Error(`not a duration: ${text}`);
  return ns;
}

/** `200/s`, `2k/s`, `every 50 entries` or `never`; undefined when the text is none of these. */
export function parseMigrationRate(text: string): MigrationRate | undefined {
  const match = MIGRATION_RATE_PATTERN.exec(text);
  if (match === null) return undefined;
  const [, amount, multiplier, entries] = match;
  if (entries !== undefined) return { kind: "everyEntries", entries: Number(entries) };
  if (amount === undefined || multiplier === undefined || !isKeyOf(RATE_MULTIPLIERS, multiplier))
    return { kind: "never" };
  const perSecond = Number(amount) * RATE_MULTIPLIERS[multiplier];
  return perSecond === 0 ? { kind: "never" } : { kind: "perSecond", perSecond };
}

/** Per second, of `200/s` or `2k/s`; undefined when the text is none of these, or nothing would ever happen. */
export function parseRate(text: string): number | undefined {
  const [, amount, multiplier] = RATE_PATTERN.exec(text) ?? [];
  if (amount === undefined || multiplier === undefined || !isKeyOf(RATE_MULTIPLIERS, multiplier)) return undefined;
  const perSecond = Number(amount) * RATE_MULTIPLIERS[multiplier];
  return perSecond > 0 ? perSecond : undefined;
}

/** How much of a workload comes before it is measured. */
export type WarmupLength = { readonly units: number } | { readonly durationNs: number };

/** Of `2s` or `500 units`; undefined when the text is neither. */
export function parseWarmup(text: string): WarmupLength | undefined {
  const [, units] = WARMUP_UNITS_PATTERN.exec(text) ?? [];
  if (units !== undefined) return { units: Number(units) };
  const durationNs = parseDurationNs(text);
  return durationNs === undefined ? undefined : { durationNs };
}

/** A duration for people: `820us`, `1.5ms`, `12s`. */
export function formatDurationUs(us: number): string {
  if (us < 1_000) return `${round3(us)}us`;
  if (us < 1_000_000) return `${round3(us / 1_000)}ms`;
  return `${round3(us / 1_000_000)}s`;
}

function round3(value: number): number {
  return Number(value.toPrecision(3));
}

function isKeyOf<T extends object>(table: T, key: PropertyKey): key is keyof T {
  return Object.hasOwn(table, key);
}
