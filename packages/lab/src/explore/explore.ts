/** A search over seeds on several threads, and what it found, shrunk. */
import type { Clock } from "@vmcslab/runtime";
import {
  drawPlan,
  type ExploreReport,
  type Plan,
  type Recording,
  recordRun,
  runPlan,
  type SeedViolation,
  shrinkPlan,
} from "@vmcslab/sim";
import { type ChunkResult, type ChunkRunner, searchSeeds } from "./chunks.js";
import type { PlanFile } from "./plan-file.js";
import { cpuModelCalled, type ExploreSetup, mutantCalled } from "./setup.js";
import { WorkerRunner } from "./worker-pool.js";

export interface ExploreRequest {
  readonly setup: ExploreSetup;
  readonly from: number;
  readonly count: number;
  readonly jobs: number;
  /** No new seeds after so many ns. */
  readonly timeNs?: number;
  readonly keepsGoing: boolean;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: ExploreProgress) => void;
}

export interface ExploreProgress {
  readonly seeds: number;
  readonly violations: number;
  readonly shrinking?: SeedViolation;
}

/** A violation with the shortest plan that was found to show it. */
export interface Finding {
  readonly seed: number;
  readonly drawn: Plan;
  readonly recording: Recording;
  readonly file: PlanFile;
}

export interface Explored {
  readonly report: ExploreReport;
  readonly busyNs: number;
  /** Of each rule that was violated, the first seed's. */
  readonly findings: readonly Finding[];
}

/** Plans that are tried to find a shorter one: seconds of work. */
const SHRINK_RUNS_MAX = 4_000;

/** Threads come and go within it. Answers when all have ended. */
export async function explore(request: ExploreRequest): Promise<Explored> {
  const { setup, jobs, onProgress } = request;
  const workers = Array.from({ length: jobs }, () => new WorkerRunner(setup));
  let found: ChunkResult;
  try {
    found = await search(request, workers);
  } finally {
    await Promise.all(workers.map((worker) => worker.close()));
  }
  const { report, busyNs } = found;
  const rules = new Map<string, SeedViolation>();
  for (const violation of report.violations) if (!rules.has(violation.rule)) rules.set(violation.rule, violation);
  const findings = [...rules.values()].map((shrinking) => {
    onProgress?.({ seeds: report.seeds, violations: report.violations.length, shrinking });
    return shrunk(setup, shrinking);
  });
  return { report, busyNs, findings };
}

async function search(request: ExploreRequest, runners: readonly ChunkRunner[]): Promise<ChunkResult> {
  const { from, count, timeNs, keepsGoing, clock, signal, onProgress } = request;
  const endNs = timeNs === undefined ? Number.POSITIVE_INFINITY : clock.monoNs() + timeNs;
  let seeds = 0;
  let violations = 0;
  return await searchSeeds({
    from,
    count,
    runners,
    keepsGoing,
    isOver: () => signal.aborted || clock.monoNs() >= endNs,
    onChunk: ({ report }) => {
      seeds += report.seeds;
      violations += report.violations.length;
      onProgress?.({ seeds, violations });
    },
  });
}

/** What a seed drew, and the least of it that violates the same rule. */
function shrunk({ mutant: name, cpuModel, scope }: ExploreSetup, { seed, rule }: SeedViolation): Finding {
  const model = cpuModelCalled(cpuModel);
  const mutant = mutantCalled(name);
  const options = () => ({ model, ...(mutant === undefined ? {} : { saboteur: mutant.create() }) });
  const drawn = drawPlan(seed, scope);
  const stillFails = (plan: Plan): boolean => runPlan(plan, options()).violation?.rule === rule;
  const plan = shrinkPlan(drawn, stillFails, { maxRuns: SHRINK_RUNS_MAX });
  const recording = recordRun(plan, options());
  const { digest, violation } = recording.outcome;
  return {
    seed,
    drawn,
    recording,
    file: { plan, mutant: name, cpuModel, rule, message: violation?.message ?? "", digest },
  };
}
