/** From what a run measured and found to its result. */
import type { HostCounters } from "@vmcslab/nested";
import type { Experiment } from "../experiment/schema.js";
import { checkThresholds } from "../experiment/thresholds.js";
import type { ClearReport } from "../measure/clear-times.js";
import type { EntryReport } from "../measure/entry-costs.js";
import type { LatencyRecorder } from "../measure/latency.js";
import type { LoadRecorder } from "../measure/load.js";
import type { EventCounts, FaultsReport, RunningTarget } from "../target/target.js";
import type { Findings } from "../workload/findings.js";
import type { WorkloadReport } from "../workload/workload.js";
import type { MachineFacts } from "./machine.js";
import { metricOf, RESULT_SCHEMA, type RunResult, type Violation } from "./result.js";
import { simulationReport } from "./simulation.js";
import { verdictOf } from "./verdict.js";

export interface RunParts {
  readonly experiment: Experiment;
  readonly seed: number;
  readonly again: string;
  readonly without?: string;
  readonly signal: AbortSignal;
  readonly target: RunningTarget;
  readonly vcpus: number;
  readonly workload: WorkloadReport;
  readonly latencies: LatencyRecorder;
  readonly load: LoadRecorder;
  readonly findings: Findings;
  readonly crossCpuClear: ClearReport | undefined;
  readonly nestedEntry: EntryReport | undefined;
  readonly machine?: MachineFacts;
  readonly counters: HostCounters | undefined;
  readonly events: EventCounts;
  readonly gaps: readonly string[];
  readonly faults: FaultsReport | undefined;
  /** Sentences about faults: victims that vanished. */
  readonly faultNotes: readonly string[];
  readonly violations: readonly Violation[];
  readonly violationCount: number;
  readonly folder: string;
  readonly startedAt: string;
  readonly durationMs: number;
}

export function assembleResult(parts: RunParts): RunResult {
  const { experiment, seed, signal, findings, gaps, events, violationCount, workload, target, faults } = parts;
  const { cpus, poolSize, design, preparation, clearing } = experiment.machine;
  const { simulated } = target;
  const measured = measuredOf(parts);
  const evidence = { violations: violationCount, lost: events.lost, failures: findings.unexplainedCount, gaps };
  return {
    schema: RESULT_SCHEMA,
    experiment: experiment.name,
    seed,
    verdict: verdictOf(evidence),
    mode: target.mode,
    ...(parts.without === undefined ? {} : { without: parts.without }),
    ...(simulated === undefined ? {} : { simulation: simulationReport(simulated, parts.latencies) }),
    host: { cpus, vcpus: parts.vcpus, poolSize, design, preparation, clearing },
    ...(parts.machine === undefined ? {} : { machine: parts.machine }),
    ...measured,
    failures: findings.failures,
    failureCount: findings.failureCount,
    ...(faults === undefined ? {} : { faults }),
    ...(parts.faultNotes.length === 0 ? {} : { faultNotes: parts.faultNotes }),
    gaps,
    thresholds: checkThresholds(experiment, (metric) => metricOf(measured, metric)),
    workload: { kind: workload.kind, notes: workload.notes, facts: workload.facts },
    ...(signal.aborted ? { interrupted: String(signal.reason) } : {}),
    startedAt: parts.startedAt,
    folder: parts.folder,
    again: parts.again,
    violations: parts.violations,
    violationCount,
    durationMs: parts.durationMs,
  };
}

function measuredOf(parts: RunParts): Parameters<typeof metricOf>[0] {
  const { latencies, load, crossCpuClear, nestedEntry, counters, events } = parts;
  const loadReport = load.report(latencies);
  return {
    operations: latencies.summary(),
    ...(loadReport === undefined ? {} : { load: loadReport }),
    ...(crossCpuClear === undefined ? {} : { crossCpuClear }),
    ...(nestedEntry === undefined ? {} : { nestedEntry }),
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
}
