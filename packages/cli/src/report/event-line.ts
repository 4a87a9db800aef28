/** An event in one line, as trace points are printed: who, when, what, and the fields of the kind. */
import type { EventFact, HistoryEvent } from "@vmcslab/history";

/** Fields in the order in which they are printed; addresses and digests in hexadecimal. */
const FIELDS: readonly (readonly [key: keyof EventFact, base: 10 | 16])[] = [
  ["vcpu", 10],
  ["cpu", 10],
  ["vmcs", 10],
  ["region", 16],
  ["vmptr", 16],
  ["epoch", 10],
  ["from", 10],
  ["to", 10],
  ["role", 10],
  ["instruction", 10],
  ["status", 10],
  ["error", 10],
  ["reason", 10],
  ["toL1", 10],
  ["launched", 10],
  ["activated", 10],
  ["active", 10],
  ["definite", 10],
  ["count", 10],
  ["digest", 16],
  ["order", 16],
  ["cause", 10],
];

/** Wide enough for `cpu63`. */
const SOURCE_WIDTH = 6;

/** `  cpu0 1764000000.123456: vmcs.clear: cpu=0 region=0x3000 … op=17 seq=42`. */
export function formatEvent(event: HistoryEvent): string {
  const { source, wallUs, kind, operation, seq } = event;
  const fields = FIELDS.flatMap(([key, base]) => {
    const value = event[key];
    return value === undefined ? [] : [`${key}=${shown(value, isAddress(event, key) ? 16 : base)}`];
  });
  const time = `${Math.floor(wallUs / 1e6)}.${String(wallUs % 1e6).padStart(6, "0")}`;
  const cause = operation === 0 ? [] : [`op=${operation}`];
  return `${source.padStart(SOURCE_WIDTH)} ${time}: ${kind}: ${[...fields, ...cause, `seq=${seq}`].join(" ")}`;
}

/** `from` of a recycled vmcs02 is the vmcs12 that it was for; elsewhere it is a CPU. */
function isAddress({ kind }: HistoryEvent, key: keyof EventFact): boolean {
  return kind === "pool.recycle" && key === "from";
}

function shown(value: EventFact[keyof EventFact], base: 10 | 16): string {
  if (Array.isArray(value)) return `[${value.map((item) => shown(item, base)).join(",")}]`;
  if (typeof value === "number" && base === 16) return `0x${value.toString(16)}`;
  // What is said in words stays one field of the line.
  return typeof value === "string" && /\s/.test(value) ? JSON.stringify(value) : String(value);
}
