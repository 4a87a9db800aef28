import { CPU_MODELS, DEFAULT_CPU_MODEL } from "@vmcslab/vmx";
import { expect, test } from "vitest";
import { MUTANTS } from "../mutants/index.js";
import { drawPlan } from "./draw-plan.js";
import type { Plan } from "./plan.js";
import { runPlan } from "./run-plan.js";
import { shrinkPlan } from "./shrink.js";

const model = CPU_MODELS[DEFAULT_CPU_MODEL];
if (model === undefined) throw new Error("no default model");

/** More than any mutant needs. */
const SEEDS_MAX = 400;

test.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))(
  "%s is found, and shrunk to at most 10 operations and 2 faults",
  (_, mutant) => {
    const ruleOf = (plan: Plan) => runPlan(plan, { model, saboteur: mutant.create() }).violation?.rule;
    const seeds = Array.from({ length: SEEDS_MAX }, (_unused, index) => index + 1);
    const found = seeds.find((seed) => ruleOf(drawPlan(seed)) !== undefined);
    if (found === undefined) throw new Error(`${mutant.name}: not found in ${SEEDS_MAX} seeds`);
    const drawn = drawPlan(found);
    const rule = ruleOf(drawn);
    const shrunk = shrinkPlan(drawn, (plan) => ruleOf(plan) === rule, { maxRuns: 4_000 });
    expect(ruleOf(shrunk)).toBe(rule);
    expect(shrunk.operations.length).toBeLessThanOrEqual(10);
    expect(shrunk.faults.length).toBeLessThanOrEqual(2);
  },
);
