/** L0's own counters against the recorded history: two countings of the same things must agree. */
import type { EventKind } from "@vmcslab/history";
import type { HostCounters } from "@vmcslab/nested";

/** Which counter counts which events. */
const COUNTED: readonly (readonly [counter: keyof HostCounters, kind: EventKind])[] = [
  ["clearsCrossCpu", "ipi.acked"],
  ["poolHits", "pool.hit"],
  ["poolRecycles", "pool.recycle"],
  ["poolAllocations", "pool.allocate"],
  ["poolFrees", "pool.free"],
  ["nestedEntries", "nested.enter"],
  ["nestedExits", "nested.exit"],
  ["migrations", "vcpu.placed"],
];

/** Events per kind. */
export type KindCounts = Readonly<Partial<Record<EventKind, number>>>;

/** Sentences about what does not agree. */
export function compareCounters(counters: HostCounters | undefined, counts: KindCounts | undefined): string[] {
  if (counters === undefined || counts === undefined) return [];
  return COUNTED.flatMap(([counter, kind]) => {
    const recorded = counts[kind] ?? 0;
    return counters[counter] === recorded
      ? []
      : [`L0 counted ${counters[counter]} ${counter}, the history holds ${recorded} ${kind} events`];
  });
}

/** What was counted between two readings. */
export function countedSince(before: HostCounters, now: HostCounters): HostCounters {
  return {
    clearsLocal: now.clearsLocal - before.clearsLocal,
    clearsCrossCpu: now.clearsCrossCpu - before.clearsCrossCpu,
    clearsInitial: now.clearsInitial - before.clearsInitial,
    poolHits: now.poolHits - before.poolHits,
    poolRecycles: now.poolRecycles - before.poolRecycles,
    poolAllocations: now.poolAllocations - before.poolAllocations,
    poolFrees: now.poolFrees - before.poolFrees,
    nestedEntries: now.nestedEntries - before.nestedEntries,
    nestedExits: now.nestedExits - before.nestedExits,
    migrations: now.migrations - before.migrations,
  };
}
