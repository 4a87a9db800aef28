/** Runs a study: one run after the other, in the order of its schedule, and what it knows after each round. */
import { join } from "node:path";
import type { Clock } from "@vmcslab/runtime";
import { errorMessage, InterruptedError, UsageError } from "../errors.js";
import type { Experiment } from "../experiment/schema.js";
import { writeReportOf } from "../report/write-report.js";
import type { RunResult } from "../run/result.js";
import { concludeStudy, createStudyFolder, repetitionFolder, writeSummary } from "./folder.js";
import { metricsOf } from "./metrics.js";
import { type ScheduledRun, type StudyPlan, scheduleOf } from "./plan.js";
import {
  type MissingRun,
  STATISTICS,
  type StudyCell,
  type StudyRepetition,
  type StudySummary,
  SUMMARY_SCHEMA,
  summarizeMetrics,
} from "./summary.js";
import { type StudyPace, TimeLeft } from "./time-left.js";

/** So many runs in a row that could not be begun say that none can. */
const FAILURES_IN_A_ROW_MAX = 3;

export interface StudyOptions {
  readonly plan: StudyPlan;
  /** With its matrix, for the folder. */
  readonly experiment: Experiment;
  readonly seed: number;
  readonly runsDir: string;
  readonly again: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Runs one, in that folder. */
  readonly run: (scheduled: ScheduledRun, folder: string) => Promise<RunResult>;
  readonly onProgress: (progress: StudyPace & { readonly run: ScheduledRun }) => void;
  /** A sentence about a run that could not be made. */
  readonly onMissing: (missing: MissingRun) => void;
}

interface Finished {
  readonly repetition: StudyRepetition;
  readonly metrics: ReadonlyMap<string, number>;
}

/** What of the runs is there when it ends, however it ends, is in the folder. */
export async function runStudy(options: StudyOptions): Promise<StudySummary> {
  const { plan, seed, clock, signal } = options;
  const startedUs = clock.wallUs();
  const startedAt = new Date(startedUs / 1_000).toISOString();
  if (signal.aborted) throw new InterruptedError(signal.reason, "nothing was run yet");
  const path = await createStudyFolder(options.runsDir, options.experiment, seed, startedAt);
  const schedule = scheduleOf(plan, seed);
  const finished = new Map<string, Finished[]>();
  const failed = new Map<ScheduledRun, string>();
  const done = new Set<ScheduledRun>();
  const timeLeft = new TimeLeft(schedule, clock);
  const summary = () => {
    const durationMs = Math.round((clock.wallUs() - startedUs) / 1_000);
    const missing = schedule.filter((run) => !done.has(run)).map((run) => missingRun(run, failed.get(run)));
    return summaryOf(options, { path, startedAt, durationMs, finished, missing });
  };
  let failures = 0;
  let last = summary();
  try {
    for (const run of schedule) {
      if (signal.aborted || failures === FAILURES_IN_A_ROW_MAX) break;
      timeLeft.begin();
      options.onProgress({ run, ...timeLeft.pace() });
      const folder = repetitionFolder(run.cell.name, run.repetition);
      try {
        const result = await options.run(run, join(path, folder));
        // A run that was cut short is no repetition like the others.
        if (result.interrupted !== undefined) break;
        add(finished, run, result, folder);
        done.add(run);
        failures = 0;
      } catch (thrown) {
        if (thrown instanceof InterruptedError) break;
        failed.set(run, errorMessage(thrown));
        options.onMissing(missingRun(run, errorMessage(thrown)));
        // What one file or flag has wrong, it has wrong in every run.
        if (thrown instanceof UsageError || !isExpected(thrown)) throw thrown;
        failures++;
      } finally {
        timeLeft.end(run);
      }
      if (run.cell.name === lastOfRound(schedule, run.repetition)) await writeSummary(path, summary());
    }
  } finally {
    last = summary();
    await writeSummary(path, last);
    await concludeStudy(path, last);
  }
  await writeReportOf(path);
  return last;
}

/** Something that did not answer: the next run may have more luck. */
function isExpected(thrown: unknown): boolean {
  return thrown instanceof Error && "exitCode" in thrown;
}

function lastOfRound(schedule: readonly ScheduledRun[], repetition: number): string | undefined {
  return schedule.findLast((run) => run.repetition === repetition)?.cell.name;
}

function missingRun({ cell, repetition }: ScheduledRun, why = "the study ended before it"): MissingRun {
  return { cell: cell.name, repetition, why };
}

function add(finished: Map<string, Finished[]>, run: ScheduledRun, result: RunResult, folder: string): void {
  const { verdict, thresholds } = result;
  const repetition = {
    repetition: run.repetition,
    seed: run.seed,
    verdict,
    thresholdsMet: thresholds.every(({ met }) => met),
    folder,
  };
  const before = finished.get(run.cell.name) ?? [];
  finished.set(run.cell.name, [...before, { repetition, metrics: metricsOf(result) }]);
}

interface StudyState {
  readonly path: string;
  readonly startedAt: string;
  readonly durationMs: number;
  readonly finished: ReadonlyMap<string, readonly Finished[]>;
  readonly missing: MissingRun[];
}

function summaryOf(
  { plan, experiment, seed, again, signal }: StudyOptions,
  { path, startedAt, durationMs, finished, missing }: StudyState,
): StudySummary {
  const cells = plan.cells.map(({ name, values, way }): StudyCell => {
    const runs = finished.get(name) ?? [];
    return {
      ...{ name, values: { ...values }, way },
      repetitions: runs.map(({ repetition }) => repetition),
      metrics: summarizeMetrics(runs.map(({ metrics }) => metrics)),
    };
  });
  return {
    schema: SUMMARY_SCHEMA,
    experiment: experiment.name,
    ...(experiment.about === undefined ? {} : { about: experiment.about }),
    ...{ seed, startedAt, durationMs },
    axes: plan.axes.map((axis) => ({ path: axis.path, values: axis.values.map(({ value }) => value) })),
    repetitions: plan.repetitions,
    statistics: STATISTICS,
    ...{ cells, missing },
    ...(signal.aborted ? { interrupted: String(signal.reason) } : {}),
    ...{ folder: path, again },
  };
}
