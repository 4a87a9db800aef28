/** One run, from a checked experiment to its result and folder. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { HostCounters } from "@vmcslab/nested";
import { type Clock, Metronome, type NatsLogin } from "@vmcslab/runtime";
import { describeSilence, writeRecording } from "../check/recording.js";
import { errorMessage, InterruptedError, UsageError } from "../errors.js";
import { readFaults } from "../experiment/faults.js";
import type { Experiment } from "../experiment/schema.js";
import { WHILE_FAULTS } from "../experiment/units.js";
import { durationOf, openRateOf } from "../experiment/workload-problems.js";
import { FaultImpact } from "../faults/impact.js";
import { LiveFaults } from "../faults/live-faults.js";
import { MEASURED_UNIT_NS } from "../measure/histogram.js";
import { LatencyRecorder, type RecorderOptions } from "../measure/latency.js";
import { LoadRecorder } from "../measure/load.js";
import { Measurements } from "../measure/measurements.js";
import type { FaultsReport, RunningTarget, Settlement, TargetOptions } from "../target/target.js";
import { type FailedOperation, Findings } from "../workload/findings.js";
import { MeasuredHost } from "../workload/measured-host.js";
import type { Workload, WorkloadReport } from "../workload/workload.js";
import { assembleResult } from "./assemble.js";
import { checkRecordedHistory } from "./check-history.js";
import { compareCounters, countedSince, countersOfHistory } from "./compare-counters.js";
import { concludeLive } from "./conclude-live.js";
import { createWorkload } from "./create-workload.js";
import { createRunFolder, type RunFolder, writeRunResult } from "./folder.js";
import { writeLatencyFiles } from "./latency-files.js";
import { writeLoadFile } from "./load-file.js";
import { machineFacts } from "./machine.js";
import type { RunResult } from "./result.js";

export interface RunOptions {
  readonly experiment: Experiment;
  readonly seed: number;
  readonly runsDir: string;
  /** The run's folder itself, of a run that is part of a study. */
  readonly folderPath?: string;
  readonly natsUrl?: string;
  /** How to log in there. */
  readonly natsLogin?: NatsLogin;
  readonly logLevel: string;
  /** A command that repeats the run. */
  readonly again: string;
  /** A safeguard that the host goes without; only for tests. */
  readonly without?: string;
  readonly clock: Clock;
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
  /** Nanoseconds of virtual time that have passed; undefined where time is real. */
  readonly virtualNs: () => number | undefined;
}

/** More than a minute: processes that are killed again while they come up need it. */
const LIVE_ATTEMPTS = 400;

/** Runs. Throws UsageError and UnavailableError; what goes wrong in the host is part of the result. */
export async function runExperiment(options: RunOptions): Promise<RunResult> {
  const { experiment, seed, clock } = options;
  const workload = await createWorkload(experiment, seed);
  options.onNotes(workload.notes);
  if (options.signal.aborted) throw new InterruptedError(options.signal.reason, "nothing was run yet");
  const startedUs = clock.wallUs();
  const startedAt = new Date(startedUs / 1_000).toISOString();
  const machine = machineFacts();
  const folder = await createRunFolder(options.runsDir, experiment, seed, startedAt, options.folderPath);
  let operations = (): number => 0;
  let virtualNs = (): number | undefined => undefined;
  const report = (phase: RunProgress["phase"]) =>
    options.onProgress({ phase, operations: () => operations(), virtualNs: () => virtualNs() });

  report("starting");
  const target = await launch(options, folder);
  const gaps: string[] = [];
  try {
    const { simulated } = target;
    const runClock = simulated?.clock ?? clock;
    // Virtual times are those of single instructions.
    const unitNs = simulated === undefined ? MEASURED_UNIT_NS : 1;
    const recording: RecorderOptions = { unitNs, onRecord: (...record) => measurements.noteRecord(...record) };
    const latencies = new LatencyRecorder(recording);
    const load = new LoadRecorder(recording);
    const impact = new FaultImpact(runClock.monoNs);
    const live = await liveFaults(options, target, impact);
    const faults = (): FaultsReport | undefined => simulated?.faults() ?? live?.report();
    const findings = new Findings((failure) => isExplained(failure, faults()));
    operations = () => latencies.count;
    if (simulated !== undefined) virtualNs = simulated.clock.monoNs;
    report("running");
    const startedRunUs = simulated === undefined ? startedUs : runClock.wallUs();
    const host = new MeasuredHost({
      ...{ host: target.host, latencies, findings, nowNs: runClock.monoNs },
      ...(live === undefined ? {} : { impact }),
      ...(simulated === undefined ? {} : { roundTripsOf: simulated.roundTripsOf }),
    });
    live?.start();
    const started = { startUs: runClock.wallUs(), startNs: runClock.monoNs() };
    const measurements = new Measurements({ unitNs, ...started, warmup: latencies.warmup });
    const areFaultsOver = (): boolean => simulated?.areFaultsOver() ?? live?.areOver ?? true;
    const workloadReport = await runWorkload(workload, host, target, { ...options, areFaultsOver, load }, gaps);
    gaps.push(...(simulated?.conclude() ?? []));
    if (live !== undefined) gaps.push(...(await concludeLive(live, target)));
    const counted = live?.l0Restarted === true ? undefined : await countersOf(target, gaps);
    report("settling");
    const settlement = await settle(target, folder, gaps);
    await target.stop();
    report("checking");
    const reader = measurements.historyReader(settlement.sharedClock === true);
    const history = await checkRecordedHistory(folder.historyDir, settlement, reader);
    gaps.push(...findings.gaps, ...history.gaps, ...compareCounters(counted, history.counts));
    // A new life of L0 counts from 0; the history goes on.
    const counters = live?.l0Restarted === true ? countersOfHistory(history.counts) : counted;
    const { again, signal, without } = options;
    const result = assembleResult({
      ...(without === undefined ? {} : { without }),
      ...{ experiment, seed, again, signal, target, vcpus: workload.vcpus, workload: workloadReport },
      ...{ latencies, load, findings, counters, events: settlement.events, gaps, faults: faults() },
      crossCpuClear: measurements.clears(),
      nestedEntry: measurements.nestedEntry(),
      ...(simulated === undefined ? { machine } : {}),
      faultNotes: live?.notes ?? [],
      violations: [...findings.violations, ...history.violations],
      violationCount: findings.violationCount + history.violationCount,
      ...{ folder: folder.path, startedAt },
      durationMs: Math.round((runClock.wallUs() - startedRunUs) / 1_000),
    });
    const histograms = measurements.histograms([latencies.histograms(), load.histograms()]);
    await writeLatencyFiles(folder.path, measurements.file(histograms, result.durationMs), histograms);
    if (load.times !== undefined) await writeLoadFile(folder.path, load.times);
    await writeRunResult(folder, result);
    return result;
  } finally {
    await target.stop();
  }
}

/** Whether a fault may be why. That a CPU answers what the protocol excludes, no fault explains. */
function isExplained({ code }: FailedOperation, faults: FaultsReport | undefined): boolean {
  return code !== "unexpectedOutcome" && faults !== undefined && faults.injected > 0;
}

/** Undefined: there are none, or the simulator injects them. */
async function liveFaults(
  { experiment, seed, clock }: RunOptions,
  { faults: target }: RunningTarget,
  impact: FaultImpact,
): Promise<LiveFaults | undefined> {
  if (target === undefined || experiment.faults.length === 0) return undefined;
  const faults = await readFaults(experiment);
  return new LiveFaults({ ...target, faults, seed, clock, impact, cpus: experiment.machine.cpus });
}

async function launch(options: RunOptions, folder: RunFolder): Promise<RunningTarget> {
  try {
    return await options.launch(await targetOptions(options, folder));
  } catch (thrown) {
    // Nothing was run, and nothing is wrong: a folder without a result would only puzzle. After a failure its logs are of use.
    if (thrown instanceof InterruptedError || thrown instanceof UsageError)
      await rm(folder.path, { recursive: true, force: true });
    throw thrown;
  }
}

async function targetOptions(
  { experiment, natsUrl, natsLogin, logLevel }: RunOptions,
  folder: RunFolder,
): Promise<TargetOptions> {
  const { cpus, poolSize, cpuModel, lostCpu, lease, journal, design, preparation, clearing } = experiment.machine;
  return {
    cpus,
    poolSize,
    design: { vmcs02: design, preparation, clearing },
    lostCpu,
    lease,
    ...(cpuModel === undefined ? {} : { cpuModel }),
    ...(journal === "none" ? {} : { journal: join(folder.path, "l0.journal") }),
    hostName: experiment.name,
    historyDir: folder.historyDir,
    logsDir: folder.logsDir,
    faults: await readFaults(experiment),
    ...(natsUrl === undefined ? {} : { natsUrl }),
    ...(natsLogin === undefined ? {} : { natsLogin }),
    logLevel,
  };
}

interface WorkloadOptions extends RunOptions {
  readonly areFaultsOver: () => boolean;
  readonly load: LoadRecorder;
}

/** The workload, until it ends, the signal comes, or a part of the target breaks away under it. */
async function runWorkload(
  workload: Workload,
  host: MeasuredHost,
  target: RunningTarget,
  { experiment, signal, clock, areFaultsOver, load }: WorkloadOptions,
  gaps: string[],
): Promise<WorkloadReport> {
  const broken = new AbortController();
  void target.broken.then((what) => {
    gaps.push(what);
    broken.abort();
  });
  // What makes an open load on a live host must not be late by as much as it measures.
  const metronome =
    target.simulated === undefined && openRateOf(experiment.workload) !== undefined
      ? new Metronome(clock.monoNs)
      : undefined;
  const context = {
    host,
    load,
    cpus: experiment.machine.cpus,
    hasFaults: experiment.faults.length > 0,
    areFaultsOver,
    ...(target.simulated === undefined ? { attempts: LIVE_ATTEMPTS } : {}),
    signal: AbortSignal.any([signal, broken.signal]),
    sleep: (delayMs: number, until: AbortSignal) => (target.simulated?.clock ?? clock).sleep(delayMs, until),
    ...(metronome === undefined
      ? {}
      : { sleepPrecisely: (delayMs: number, until: AbortSignal) => metronome.sleep(delayMs, until) }),
  };
  const report = await workload.run(context).finally(() => metronome?.close());
  if (signal.aborted) gaps.push(`ended early by ${String(signal.reason)}`);
  else if (lastsWithFaults(experiment) && !areFaultsOver() && !broken.signal.aborted)
    gaps.push("every vcpu had given up before the faults were over");
  return report;
}

function lastsWithFaults({ workload }: Experiment): boolean {
  return durationOf(workload)?.duration === WHILE_FAULTS;
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
