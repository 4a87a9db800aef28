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

/** What L0 counted in all its lives, by the events that it stated. Clears that are neither cross-CPU nor a VMCS's first are local. */
export function countersOfHistory(counts: KindCounts | undefined): HostCounters | undefined {
  if (counts === undefined) return undefined;
  const counted = { ...NONE, ...Object.fromEntries(COUNTED.map(([counter, kind]) => [counter, counts[kind] ?? 0])) };
  const clearsInitial = counts["vmcs.allocated"] ?? 0;
  const clears = counts["vmcs.clear"] ?? 0;
  return { ...counted, clearsInitial, clearsLocal: Math.max(0, clears - clearsInitial - counted.clearsCrossCpu) };
}

/** What was counted between two readings. */
export function countedSince(before: HostCounters, now: HostCounters): HostCounters {
  return combine(now, before, (later, earlier) => later - earlier);
}

/** Of several lives of L0 together: each begins at 0, the history goes on. */
export function addCounters(lives: readonly HostCounters[]): HostCounters {
  return lives.reduce((sum, life) => combine(sum, life, (left, right) => left + right), NONE);
}

const NONE: HostCounters = {
  clearsLocal: 0,
  clearsCrossCpu: 0,
  clearsInitial: 0,
  poolHits: 0,
  poolRecycles: 0,
  poolAllocations: 0,
  poolFrees: 0,
  nestedEntries: 0,
  nestedExits: 0,
  migrations: 0,
};

function combine(
  left: HostCounters,
  right: HostCounters,
  merge: (left: number, right: number) => number,
): HostCounters {
  return {
    clearsLocal: merge(left.clearsLocal, right.clearsLocal),
    clearsCrossCpu: merge(left.clearsCrossCpu, right.clearsCrossCpu),
    clearsInitial: merge(left.clearsInitial, right.clearsInitial),
    poolHits: merge(left.poolHits, right.poolHits),
    poolRecycles: merge(left.poolRecycles, right.poolRecycles),
    poolAllocations: merge(left.poolAllocations, right.poolAllocations),
    poolFrees: merge(left.poolFrees, right.poolFrees),
    nestedEntries: merge(left.nestedEntries, right.nestedEntries),
    nestedExits: merge(left.nestedExits, right.nestedExits),
    migrations: merge(left.migrations, right.migrations),
  };
}
