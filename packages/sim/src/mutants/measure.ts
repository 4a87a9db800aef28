import type { CpuModel } from "@vmcslab/vmx";
import { drawPlan } from "../explore/draw-plan.js";
import { runPlan } from "../explore/run-plan.js";
import type { Mutant } from "./mutant.js";

/** What a search came by with one mutant. */
export interface MutantFindings {
  /** Seeds that found it. */
  readonly found: number;
  /** The first of them. */
  readonly first: number | undefined;
  /** How often each rule said so. */
  readonly rules: Readonly<Record<string, number>>;
}

/** Runs `seeds` seeds from `from` on with a mutant. */
export function measureMutant(mutant: Mutant, from: number, seeds: number, model: CpuModel): MutantFindings {
  const rules: Record<string, number> = {};
  let found = 0;
  let first: number | undefined;
  for (let seed = from; seed < from + seeds; seed++) {
    const { violation } = runPlan(drawPlan(seed), { model, saboteur: mutant.create() });
    if (violation === undefined) continue;
    found++;
    first ??= seed;
    rules[violation.rule] = (rules[violation.rule] ?? 0) + 1;
  }
  return { found, first, rules };
}
