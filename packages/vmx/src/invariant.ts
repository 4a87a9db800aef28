/** A programming error, not an architectural outcome: those are values. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}

/** Throws when `condition` does not hold. On in production: a wrong simulation is worse than a stopped one. */
export function invariant(
  condition: boolean,
  what: string,
  facts?: Readonly<Record<string, unknown>>,
): asserts condition {
  if (condition) return;
  const detail =
    facts === undefined
      ? ""
      : ` (${Object.entries(facts)
          .map(([key, value]) => `${key}=${String(value)}`)
          .join(", ")})`;
  throw new InvariantError(`${what}${detail}`);
}
