/** The numbers of a result, by dotted path. */

/** Numbers that are settings or labels and not outcomes. */
const NO_METRICS: readonly string[] = [
  "seed",
  "host",
  "machine",
  "simulation.ghz",
  "load.ratePerSecond",
  "load.warmup",
];

/** Every number of a result that says how a run came out. What stands in lists is left out: it has no name. */
export function metricsOf(result: unknown): Map<string, number> {
  const metrics = new Map<string, number>();
  collect(result, "", metrics);
  return metrics;
}

function collect(value: unknown, path: string, into: Map<string, number>): void {
  if (NO_METRICS.includes(path) || Array.isArray(value)) return;
  if (typeof value === "number" && Number.isFinite(value)) into.set(path, value);
  if (typeof value !== "object" || value === null) return;
  for (const [key, child] of Object.entries(value)) collect(child, path === "" ? key : `${path}.${key}`, into);
}
