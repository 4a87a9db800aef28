/** One run, from a checked experiment to its result and folder. */
import { rm } from "node:fs/promises";
import type { HostCounters } from "@vmcslab/nested";
import { describeSilence, writeRecording } from "../check/recording.js";
import { errorMessage, InterruptedError } from "../errors.js";
import type { Experiment } from "../experiment/schema.js";
import { checkThresholds } from "../experiment/thresholds.js";
import { LatencyRecorder } from "../measure/latency.js";
import type { EventCounts, RunningTarget, Settlement, TargetOptions } from "../target/target.js";
import { Findings } from "../workload/findings.js";
import { MeasuredHost } from "../workload/measured-host.js";
import type { Workload, WorkloadReport } from "../workload/workload.js";
import { checkRecordedHistory } from "./check-history.js";
import { compareCounters, countedSince } from "./compare-counters.js";
import { createWorkload } from "./create-workload.js";
import { createRunFolder, type RunFolder, writeRunResult } from "./folder.js";
import { metricOf, RESULT_SCHEMA, type RunResult, type Violation } from "./result.js";
import { verdictOf } from "./verdict.js";

export interface RunClock {
  wallUs(): number;
  /** Monotonic, in nanoseconds. */
  monoNs(): number;
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

export interface RunOptions {
  readonly experiment: Experiment;
  readonly seed: number;
  readonly runsDir: string;
  readonly natsUrl?: string;
  readonly logLevel: string;
  /** A command that repeats the run. */
  readonly again: string;
  readonly clock: RunClock;
  readonly launch: (options: TargetOptions) => Promise<RunningTarget>;
  /** Ends the run early; its reason is what ended it (SIGINT). The folder is written all the same. */
  readonly signal: AbortSignal;
  /** Lines for people, before anything runs. */
  readonly onNotes: (notes: readonly string[]) => void;
  readonly onProgress: (progress: RunProgress) => void;
}

/** What can be told while a run is going on. */
export interface RunProgress {
  readonly phase: "starting" | "running" | "settling" | "checking";
  readonly operations: () => number;
}

/** Runs. Throws UsageError and UnavailableError; what goes wrong in the host is part of the result. */
export async function runExperiment(options: RunOptions): Promise<RunResult> {
  const { experiment, seed, clock } = options;
  const workload = await createWorkload(experiment, seed);
  options.onNotes(workload.notes);
  if (options.signal.aborted) throw new InterruptedError(options.signal.reason, "nothing was run yet");
  const startedUs = clock.wallUs();
  const startedAt = new Date(startedUs / 1_000).toISOString();
  const folder = await createRunFolder(options.runsDir, experiment, seed, startedAt);
  const latencies = new LatencyRecorder();
  const findings = new Findings();
  const report = (phase: RunProgress["phase"]) => options.onProgress({ phase, operations: () => latencies.count });

  report("starting");
  const target = await launch(options, folder);
  const gaps: string[] = [];
  try {
    report("running");
    const host = new MeasuredHost({ host: target.host, latencies, findings, nowNs: clock.monoNs });
    const workloadReport = await runWorkload(workload, host, target, options, gaps);
    const counters = await countersOf(target, gaps);
    report("settling");
    const settlement = await settle(target, folder, gaps);
    await target.stop();
    report("checking");
    const history = await checkRecordedHistory(folder.historyDir, settlement);
    gaps.push(...findings.gaps, ...history.gaps, ...compareCounters(counters, history.counts));
    const result = assemble({
      options,
      workload,
      workloadReport,
      latencies,
      findings,
      counters,
      events: settlement.events,
      gaps,
      folder,
      startedAt,
    });
    const found = [...findings.violations, ...history.violations];
    const complete = withVerdict(result, found, findings.violationCount + history.violationCount, startedUs, clock);
    await writeRunResult(folder, complete);
    return complete;
  } finally {
    await target.stop();
  }
}

async function launch(options: RunOptions, folder: RunFolder): Promise<RunningTarget> {
  try {
    return await options.launch(targetOptions(options, folder));
  } catch (thrown) {
    // Nothing was run, and nothing is wrong: a folder without a result would only puzzle. After a failure its logs are of use.
    if (thrown instanceof InterruptedError) await rm(folder.path, { recursive: true, force: true });
    throw thrown;
  }
}

function targetOptions({ experiment, natsUrl, logLevel }: RunOptions, folder: RunFolder): TargetOptions {
  const { cpus, poolSize, cpuModel } = experiment.machine;
  return {
    cpus,
    poolSize,
    ...(cpuModel === undefined ? {} : { cpuModel }),
    hostName: experiment.name,
    historyDir: folder.historyDir,
    logsDir: folder.logsDir,
    ...(natsUrl === undefined ? {} : { natsUrl }),
    logLevel,
  };
}

/** The workload, until it ends, the signal comes, or a part of the target breaks away under it. */
async function runWorkload(
  workload: Workload,
  host: MeasuredHost,
  target: RunningTarget,
  { experiment, signal, clock }: RunOptions,
  gaps: string[],
): Promise<WorkloadReport> {
  const broken = new AbortController();
  void target.broken.then((what) => {
    gaps.push(what);
    broken.abort();
  });
  const context = {
    host,
    cpus: experiment.machine.cpus,
    signal: AbortSignal.any([signal, broken.signal]),
    sleep: (delayMs: number, until: AbortSignal) => clock.sleep(delayMs, until),
  };
  const report = await workload.run(context);
  if (signal.aborted) gaps.push(`ended early by ${String(signal.reason)}`);
  return report;
}

async function countersOf({ host, countersBefore }: RunningTarget, gaps: string[]): Promise<HostCounters | undefined> {
  const answer = await host.counters();
  if (answer.ok) return countersBefore === undefined ? answer.value : countedSince(countersBefore, answer.value);
  gaps.push(`L0 did not tell its counters: ${answer.error.message}`);
  return undefined;
}

async function settle(target: RunningTarget, { historyDir }: RunFolder, gaps: string[]): Promise<Settlement> {
  try {
    const settlement = await target.settle();
    await writeRecording(historyDir, settlement);
    gaps.push(...describeSilence(settlement));
    return settlement;
  } catch (thrown) {
    gaps.push(`trace did not tell what it has: ${errorMessage(thrown)}`);
    return { events: { published: 0, stored: 0, lost: 0 }, positions: [], silent: [] };
  }
}

interface Parts {
  readonly options: RunOptions;
  readonly workload: Workload;
  readonly workloadReport: WorkloadReport;
  readonly latencies: LatencyRecorder;
  readonly findings: Findings;
  readonly counters: HostCounters | undefined;
  readonly events: EventCounts;
  readonly gaps: readonly string[];
  readonly folder: RunFolder;
  readonly startedAt: string;
}

type Assembled = Omit<RunResult, "verdict" | "violations" | "violationCount" | "durationMs">;

function assemble({
  options,
  workload,
  workloadReport,
  latencies,
  findings,
  counters,
  events,
  gaps,
  folder,
  startedAt,
}: Parts): Assembled {
  const { experiment, seed, signal, again } = options;
  const { cpus, poolSize } = experiment.machine;
  const measured = {
    operations: latencies.summary(),
    clears: {
      local: counters?.clearsLocal ?? 0,
      crossCpu: counters?.clearsCrossCpu ?? 0,
      initial: counters?.clearsInitial ?? 0,
    },
    pool: {
      hits: counters?.poolHits ?? 0,
      recycles: counters?.poolRecycles ?? 0,
      allocations: counters?.poolAllocations ?? 0,
      frees: counters?.poolFrees ?? 0,
    },
    events,
  };
  return {
    schema: RESULT_SCHEMA,
    experiment: experiment.name,
    seed,
    host: { cpus, vcpus: workload.vcpus, poolSize },
    ...measured,
    failures: findings.failures,
    failureCount: findings.failureCount,
    gaps,
    thresholds: checkThresholds(experiment, (metric) => metricOf(measured, metric)),
    workload: {
      kind: workloadReport.kind,
      notes: workloadReport.notes,
      facts: workloadReport.facts,
    },
    ...(signal.aborted ? { interrupted: String(signal.reason) } : {}),
    startedAt,
    folder: folder.path,
    again,
  };
}

function withVerdict(
  result: Assembled,
  violations: readonly Violation[],
  violationCount: number,
  startedUs: number,
  clock: RunClock,
): RunResult {
  const { schema, experiment, seed, ...rest } = result;
  const { lost } = result.events;
  const evidence = { violations: violationCount, lost, failures: result.failureCount, gaps: result.gaps };
  const durationMs = Math.round((clock.wallUs() - startedUs) / 1_000);
  return { schema, experiment, seed, verdict: verdictOf(evidence), ...rest, violations, violationCount, durationMs };
}
