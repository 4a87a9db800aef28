import { UsageError } from "@vmcslab/lab/errors";

const UNITS_MS: ReadonlyMap<string, number> = new Map([
  ["ms", 1],
  ["s", 1000],
  ["min", 60_000],
]);

/** Milliseconds, rounded, of a flag's `1.5s`. Throws UsageError for what is none. */
export function durationMs(text: string, flag: string): number {
  const [, amount, unit = ""] = /^(\d+(?:\.\d+)?)\s*(ms|s|min)$/.exec(text) ?? [];
  const unitMs = UNITS_MS.get(unit);
  if (amount === undefined || unitMs === undefined)
    throw new UsageError(`${flag}: "${text}" is not a duration; write 500ms, 5s or 1min`);
  return Math.round(Number(amount) * unitMs);
}
