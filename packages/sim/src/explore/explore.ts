import type { CpuModel } from "@vmcslab/vmx";
import type { Mutant } from "../mutants/index.js";
import { drawPlan } from "./draw-plan.js";
import { addHashes, hashOfSeed, NO_HASH } from "./explore-digest.js";
import type { ExploreScope } from "./plan.js";
import { type PlanOutcome, runPlan } from "./run-plan.js";

export interface ExploreOptions {
  /** The first seed, and how many there are. */
  readonly from: number;
  readonly count: number;
  readonly model: CpuModel;
  /** Absent: the true design. */
  readonly mutant?: Mutant;
  /** What is the same in every run. */
  readonly scope?: ExploreScope;
  /** After each seed; "stop" leaves out the seeds behind it. */
  readonly onSeed?: (seed: number, outcome: PlanOutcome) => "stop" | undefined;
}

export interface SeedViolation {
  readonly seed: number;
  readonly rule: string;
  readonly message: string;
}

/** What the runs of some seeds came to. Reports of other seeds can be merged into it, in any order. */
export interface ExploreReport {
  readonly seeds: number;
  readonly steps: number;
  readonly events: number;
  /** Of the histories of exactly these seeds, sixteen hexadecimal digits. */
  readonly digest: string;
  /** By seed. */
  readonly violations: readonly SeedViolation[];
  /** How many seeds reached each mark. */
  readonly marks: Readonly<Record<string, number>>;
}

export const EMPTY_REPORT: ExploreReport = {
  seeds: 0,
  steps: 0,
  events: 0,
  digest: NO_HASH,
  violations: [],
  marks: {},
};

/** Runs one seed after the other. */
export function exploreSeeds({ from, count, model, mutant, scope, onSeed }: ExploreOptions): ExploreReport {
  let report = EMPTY_REPORT;
  for (let seed = from; seed < from + count; seed++) {
    const saboteur = mutant?.create();
    const outcome = runPlan(drawPlan(seed, scope), { model, ...(saboteur === undefined ? {} : { saboteur }) });
    report = mergeReports(report, reportOf(seed, outcome));
    if (onSeed?.(seed, outcome) === "stop") break;
  }
  return report;
}

/** Of different seeds. */
export function mergeReports(a: ExploreReport, b: ExploreReport): ExploreReport {
  return {
    seeds: a.seeds + b.seeds,
    steps: a.steps + b.steps,
    events: a.events + b.events,
    digest: addHashes(a.digest, b.digest),
    violations:
      a.violations.length + b.violations.length === 0
        ? []
        : [...a.violations, ...b.violations].sort((left, right) => left.seed - right.seed),
    marks: addCounts(a.marks, b.marks),
  };
}

function reportOf(seed: number, { violation, steps, events, digest, marks }: PlanOutcome): ExploreReport {
  return {
    seeds: 1,
    steps,
    events,
    digest: hashOfSeed(seed, digest),
    violations: violation === undefined ? [] : [{ seed, rule: violation.rule, message: violation.message }],
    marks: Object.fromEntries([...marks].map((mark) => [mark, 1])),
  };
}

function addCounts(
  a: Readonly<Record<string, number>>,
  b: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  const sums: Record<string, number> = { ...a };
  for (const [name, count] of Object.entries(b)) sums[name] = (sums[name] ?? 0) + count;
  return sums;
}
