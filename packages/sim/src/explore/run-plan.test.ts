import type { Fault } from "@vmcslab/faults";
import type { HistoryEvent } from "@vmcslab/history";
import { CPU_MODELS, DEFAULT_CPU_MODEL } from "@vmcslab/vmx";
import { describe, expect, test } from "vitest";
import { drawPlan } from "./draw-plan.js";
import { exploreSeeds } from "./explore.js";
import { MARKS } from "./marks.js";
import type { Plan } from "./plan.js";
import { runPlan } from "./run-plan.js";

function modelOf() {
  const model = CPU_MODELS[DEFAULT_CPU_MODEL];
  if (model === undefined) throw new Error("the default model exists");
  return model;
}
const model = modelOf();

describe("one seed is one run", () => {
  test("the same plan has the same history, and another seed another", () => {
    const run = (seed: number) => runPlan(drawPlan(seed), { model });
    for (const seed of [3, 17, 40]) {
      const { digest, steps, events, endNs } = run(seed);
      expect(run(seed)).toMatchObject({ digest, steps, events, endNs });
      expect(run(seed + 1).digest).not.toBe(digest);
    }
  });

  test("a hundred seeds have this digest, on any machine and any Node.js: it changes only with the design, the draw or what is recorded", () => {
    expect(exploreSeeds({ from: 1, count: 100, model }).digest).toMatchInlineSnapshot(`"80ed2c85a9259646"`);
  });

  test("a plan survives being written down: what a file says is what was run", () => {
    const plan = drawPlan(23);
    const read: unknown = JSON.parse(JSON.stringify(plan));
    expect(read).toEqual(plan);
  });

  test("a fault of probability 0 is as if it were not there", () => {
    const never: Fault = { match: { probability: 0 }, action: { kind: "dropRequest" } };
    for (const seed of [5, 6, 7]) {
      const plan: Plan = { ...drawPlan(seed), faults: [] };
      expect(runPlan({ ...plan, faults: [never] }, { model }).digest).toBe(runPlan(plan, { model }).digest);
    }
  });
});

describe("the true design", () => {
  test("breaks nothing over the first seeds, and they come by everything that they should", () => {
    const seen = new Set<string>();
    for (let seed = 1; seed <= 400; seed++) {
      const { violation, marks } = runPlan(drawPlan(seed), { model });
      expect({ seed, violation }).toEqual({ seed, violation: undefined });
      for (const mark of marks) seen.add(mark);
    }
    expect(Object.keys(MARKS).filter((mark) => !seen.has(mark))).toEqual([]);
  });

  test("faults are evidence too: each that is injected is healed, and says how often it struck", () => {
    const events: HistoryEvent[] = [];
    const drop: Fault = { name: "drop", forNs: 1e7, match: { to: "cpu" }, action: { kind: "dropRequest" } };
    runPlan({ ...drawPlan(11), faults: [drop] }, { model, onEvent: (event) => events.push(event) });
    const faults = events.filter(({ source }) => source === "faults");
    expect(faults.map(({ kind, cause }) => `${kind} ${cause}`)).toEqual(["fault.injected drop", "fault.healed drop"]);
    expect(faults[1]?.count).toBeGreaterThan(0);
  });
});
