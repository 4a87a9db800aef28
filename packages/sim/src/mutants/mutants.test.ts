import { readFileSync } from "node:fs";
import { cpuModelNamed, DEFAULT_CPU_MODEL } from "@vmcslab/vmx";
import { describe, expect, test } from "vitest";
import { drawPlan } from "../explore/draw-plan.js";
import { runPlan } from "../explore/run-plan.js";
import { combine } from "./combine.js";
import { MUTANTS, measureMutant, mutantNamed } from "./index.js";
import { rewriting } from "./rewriting.js";
import { sabotage } from "./world.js";

const found = cpuModelNamed(DEFAULT_CPU_MODEL);
if (found === undefined) throw new Error("the default model is in the table");
const model = found;

/** Nobody looks for longer than this. */
const SEEDS_MAX = 300;

describe("the true design", () => {
  test("a saboteur that changes nothing changes nothing", () => {
    const nothing = () =>
      combine([
        {},
        sabotage((world) => ({
          ...rewriting(world, () => undefined),
          arriving: (_, batch) => batch,
          completed: () => undefined,
          refused: () => undefined,
        })),
      ]);
    for (let seed = 1; seed <= 60; seed++) {
      const plan = drawPlan(seed);
      const { digest } = runPlan(plan, { model });
      expect(runPlan(plan, { model, saboteur: nothing() }).digest).toBe(digest);
      expect(runPlan(plan, { model, saboteur: {} }).digest).toBe(digest);
    }
  });
});

describe("mutants", () => {
  test("each has a name of its own, and says what it is", () => {
    expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
    for (const mutant of MUTANTS) {
      expect(mutantNamed(mutant.name)).toBe(mutant);
      expect(mutant.name).toMatch(/^[a-z0-9-]+$/);
      for (const text of [mutant.origin, mutant.says, mutant.breaks]) expect(text).not.toBe("");
    }
    expect(mutantNamed("none")).toBeUndefined();
  });

  test("a hazard has one mutant, named after it", () => {
    const hazards = MUTANTS.map(({ origin }) => /^H\d+/.exec(origin)?.[0]).filter((hazard) => hazard !== undefined);
    expect(new Set(hazards).size).toBe(hazards.length);
    for (const hazard of hazards)
      expect(MUTANTS.some(({ name }) => name.startsWith(`${hazard.toLowerCase()}-`))).toBe(true);
  });

  test("docs/mutants.md lists each, and every hazard that has none", () => {
    const page = readFileSync(new URL("../../../../docs/mutants.md", import.meta.url), "utf8");
    const listed = [...page.matchAll(/^\| `([a-z0-9-]+)` \|/gm)].map(([, name]) => name);
    expect(listed.toSorted()).toEqual(MUTANTS.map(({ name }) => name).toSorted());
    const notShown = [...page.matchAll(/^\| (H\d+),/gm)].map(([, hazard]) => hazard);
    const shown = MUTANTS.map(({ origin }) => origin).filter((origin) => /^H\d+$/.test(origin));
    expect([...shown, ...notShown].toSorted()).toEqual(Array.from({ length: 19 }, (_, i) => `H${i + 1}`).toSorted());
  });

  test.each(MUTANTS)("$name is found", ({ create }) => {
    let seed = 1;
    while (seed <= SEEDS_MAX && runPlan(drawPlan(seed), { model, saboteur: create() }).violation === undefined) seed++;
    expect(seed).toBeLessThanOrEqual(SEEDS_MAX);
  });

  test("a mutant that is caught is caught by its rule", () => {
    const measured = MUTANTS.map((mutant) => ({ mutant, rules: measureMutant(mutant, 1, 20, model).rules }));
    const ruleOf = (name: string) => Object.keys(measured.find(({ mutant }) => mutant.name === name)?.rules ?? {});
    expect(ruleOf("clear-skipped")).toContain("active-twice");
    expect(ruleOf("freed-uncleared")).toEqual(["freed-active"]);
    expect(ruleOf("launched-kept")).toContain("entry-refused");
    expect(ruleOf("h13-vmcs01-lost")).toContain("outlives-active");
  });

  test("a measurement says the same each time", () => {
    const [mutant] = MUTANTS;
    if (mutant === undefined) throw new Error("there are mutants");
    const measured = measureMutant(mutant, 100, 5, model);
    expect(measureMutant(mutant, 100, 5, model)).toEqual(measured);
    expect(Object.values(measured.rules).reduce((sum, times) => sum + times, 0)).toBe(measured.found);
  });
});
