/** What is wrong with a link. Nothing, unless it is said. */
export interface LinkFaults {
  /** Every chunk arrives this much later, in each direction; order is kept. */
  readonly latencyMs: number;
  /** On top of it, drawn evenly from 0 to this. */
  readonly jitterMs: number;
  /** What is sent is swallowed in both directions, and connections stay open: a silent partition. */
  readonly blackhole: boolean;
  /** New connections are reset at once. */
  readonly refuse: boolean;
}

export const NO_FAULTS: LinkFaults = { latencyMs: 0, jitterMs: 0, blackhole: false, refuse: false };

const DELAY_MS_MAX = 600_000;

/** Faults from what a client sent. Throws a sentence for the client when it does not fit. */
export function parseLinkFaults(json: unknown): LinkFaults & { readonly forMs: number | undefined } {
  if (typeof json !== "object" || json === null) throw new Error("an object is expected");
  const given = new Map<string, unknown>(Object.entries(json));
  const known = [...Object.keys(NO_FAULTS), "forMs"];
  const unknown = [...given.keys()].find((key) => !known.includes(key));
  if (unknown !== undefined) throw new Error(`"${unknown}" is no fault: there are ${known.join(", ")}`);
  return {
    latencyMs: delayOf(given, "latencyMs") ?? 0,
    jitterMs: delayOf(given, "jitterMs") ?? 0,
    blackhole: flagOf(given, "blackhole"),
    refuse: flagOf(given, "refuse"),
    forMs: delayOf(given, "forMs"),
  };
}

function delayOf(given: ReadonlyMap<string, unknown>, name: string): number | undefined {
  const value = given.get(name);
  if (value === undefined) return undefined;
  if (typeof value === "number" && value >= 0 && value <= DELAY_MS_MAX) return value;
  throw new Error(`${name} is a number of milliseconds from 0 to ${DELAY_MS_MAX}`);
}

function flagOf(given: ReadonlyMap<string, unknown>, name: string): boolean {
  const value = given.get(name) ?? false;
  if (typeof value === "boolean") return value;
  throw new Error(`${name} is true or false`);
}
