import type { Fault } from "@vmcslab/faults";
import type { Plan } from "./plan.js";

const MICROSECOND = 1_000;
const MILLISECOND = 1_000_000;

/** Steps between which times are rounded, the roundest first. */
const GRIDS = [MILLISECOND, 100 * MICROSECOND, 10 * MICROSECOND, MICROSECOND];

/** What is left of a gap in which nothing needs to happen. */
const GAPS = [1, 2, 3, 5, 10].map((ms) => ms * MILLISECOND);

/** An instant that a plan names: when an operation is asked for, or when a fault begins or ends. */
interface Instant {
  readonly ns: number;
  readonly put: (plan: Plan, ns: number) => Plan;
}

/** Candidates whose times are rounder, closer together, or both. */
export function* rounderTimes(plan: Plan): Generator<Plan> {
  const instants = instantsOf(plan).sort((a, b) => a.ns - b.ns);
  for (const grid of GRIDS) yield evenly(plan, instants, grid);
  for (const grid of GRIDS) {
    for (const instant of instants)
      for (const ns of near(instant.ns, grid)) if (ns !== instant.ns) yield instant.put(plan, ns);
  }
  // Everything behind a gap moves up.
  for (const [index, instant] of instants.entries()) {
    const gap = instant.ns - (instants[index - 1]?.ns ?? 0);
    for (const left of GAPS) {
      if (gap > left)
        yield instants.slice(index).reduce((moved, later) => later.put(moved, later.ns - gap + left), plan);
    }
  }
}

/** The first at one step of the grid, the second at two, …; those at one instant stay together. */
function evenly(plan: Plan, instants: readonly Instant[], grid: number): Plan {
  const distinct = [...new Set(instants.map(({ ns }) => ns))];
  return instants.reduce(
    // Everybody registers in the first millisecond.
    (moved, { ns, put }) => put(moved, MILLISECOND + grid * distinct.indexOf(ns)),
    plan,
  );
}

function near(ns: number, grid: number): number[] {
  const below = Math.floor(ns / grid) * grid;
  return [below, below + grid].filter((rounded) => rounded >= 0);
}

function instantsOf(plan: Plan): Instant[] {
  const operations = plan.operations.map((_, index): Instant => {
    const put = (into: Plan, atNs: number): Plan => ({
      ...into,
      operations: into.operations.map((step, i) => (i === index ? { ...step, atNs } : step)),
    });
    return { ns: plan.operations[index]?.atNs ?? 0, put };
  });
  return [...operations, ...plan.faults.flatMap(instantsOfFault)];
}

function instantsOfFault(fault: Fault, index: number): Instant[] {
  if (fault.on !== undefined) return [];
  const { at = 0, forNs } = fault;
  const change =
    (alter: (old: Fault, ns: number) => Fault) =>
    (plan: Plan, ns: number): Plan => ({
      ...plan,
      faults: plan.faults.map((old, i) => (i === index ? alter(old, ns) : old)),
    });
  const begin: Instant = { ns: at, put: change((old, ns) => ({ ...old, at: ns })) };
  if (forNs === undefined) return [begin];
  const end: Instant = {
    ns: at + forNs,
    put: change((old, ns) => ({ ...old, forNs: Math.max(ns - (old.at ?? 0), MICROSECOND) })),
  };
  return [begin, end];
}
