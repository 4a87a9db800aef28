import fc from "fast-check";
import { expect, test } from "vitest";
import { drawPlan } from "./draw-plan.js";
import type { Plan, PlannedOperation } from "./plan.js";
import { shrinkPlan } from "./shrink.js";
import { ddmin } from "./shrink-ddmin.js";
import { weightOf } from "./shrink-weight.js";

const seeds = fc.integer({ min: 1, max: 100_000 });
const maxRuns = 10_000;

test("ddmin keeps exactly what is needed", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(60), { minLength: 1 }), fc.array(fc.nat(60)), (list, wanted) => {
      const needed = list.filter((item) => wanted.includes(item));
      const kept = ddmin(list, (part) => needed.every((item) => part.includes(item)));
      expect(kept).toEqual(needed);
    }),
  );
});

/** What of an operation no step of shrinking changes. */
const kindsOf = ({ operations }: Plan): PlannedOperation["kind"][] => operations.map(({ kind }) => kind);

test("a plan that fails for two of its operations is shrunk to these two, on one CPU, at round times", () => {
  fc.assert(
    fc.property(seeds, fc.nat(), fc.nat(), (seed, a, b) => {
      const plan = drawPlan(seed);
      const first = plan.operations[a % plan.operations.length]?.kind;
      const second = plan.operations[b % plan.operations.length]?.kind;
      const needed = [...new Set([first, second])].filter((kind) => kind !== undefined).sort();
      const shrunk = shrinkPlan(plan, (tried) => needed.every((kind) => kindsOf(tried).includes(kind)), { maxRuns });
      expect(kindsOf(shrunk).sort()).toEqual(needed);
      expect(shrunk.faults).toEqual([]);
      expect(shrunk).toMatchObject({ cpus: 1, memoryPages: 64, policy: "wait", inOrder: true });
      expect(shrunk.latency).toHaveProperty("constant");
      for (const { atNs } of shrunk.operations) expect(atNs % 1_000_000).toBe(0);
    }),
    { numRuns: 40 },
  );
});

test("what a fault needs stays, and nothing else of it", () => {
  const plan: Plan = {
    ...drawPlan(3),
    cpus: 4,
    faults: [
      { at: 123_457, forNs: 7_654_321, action: { kind: "stall", cpu: 3 } },
      {
        at: 1_000_003,
        forNs: 9_000_001,
        match: { from: "l0", to: "cpu2", method: "vmclear", probability: 0.3 },
        action: { kind: "dropRequest" },
      },
    ],
  };
  const fails = (tried: Plan): boolean => tried.faults.some(({ match }) => match?.method === "vmclear");
  const { faults, operations, cpus } = shrinkPlan(plan, fails, { maxRuns });
  expect({ operations, cpus }).toEqual({ operations: [], cpus: 1 });
  expect(faults).toHaveLength(1);
  const [fault] = faults;
  expect(Object.entries(fault?.match ?? {}).filter(([, value]) => value !== undefined)).toEqual([
    ["method", "vmclear"],
  ]);
  expect((fault?.at ?? 0) % 1_000_000).toBe(0);
});

test("CPUs that are needed are renumbered, in operations and faults alike", () => {
  const plan: Plan = {
    ...drawPlan(5),
    cpus: 5,
    operations: [
      { kind: "create", vcpu: 0, cpu: 4, poolSize: 3, atNs: 1_234_567 },
      { kind: "place", vcpu: 0, cpu: 2, atNs: 2_345_678 },
    ],
    faults: [{ at: 0, forNs: 1_000_000, action: { kind: "crash", cpu: 2, when: "now" } }],
  };
  const fails = ({ operations: [create, place], faults: [fault] }: Plan): boolean =>
    create?.kind === "create" &&
    place?.kind === "place" &&
    create.cpu !== place.cpu &&
    fault?.action.kind === "crash" &&
    fault.action.cpu === place.cpu;
  const shrunk = shrinkPlan(plan, fails, { maxRuns });
  expect(shrunk.cpus).toBe(2);
  expect(fails(shrunk)).toBe(true);
  expect(shrunk.operations[0]).toMatchObject({ poolSize: 1 });
});

test("it is deterministic, never tries more than it may, and never gets heavier", () => {
  fc.assert(
    fc.property(seeds, fc.integer({ min: 0, max: 60 }), (seed, most) => {
      const plan = drawPlan(seed);
      let runs = 0;
      const fails = (tried: Plan): boolean => {
        runs++;
        return tried.operations.length >= 3;
      };
      const shrunk = shrinkPlan(plan, fails, { maxRuns: most });
      expect(runs).toBeLessThanOrEqual(most);
      expect(weightOf(shrunk)).toBeLessThanOrEqual(weightOf(plan));
      expect(shrinkPlan(plan, fails, { maxRuns: most })).toEqual(shrunk);
    }),
    { numRuns: 40 },
  );
});
