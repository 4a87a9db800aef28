/** Folders of runs and studies as vmcslab leaves them, with latencies that a test has made up, through the code that measures. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ClearPhase } from "@vmcslab/history";
import type { ClearReport, DistributionSummary } from "../src/measure/clear-times.js";
import { TimeHistogram } from "../src/measure/histogram.js";
import { type FaultBand, LATENCY_FILE, LATENCY_SCHEMA, type LatencyFile } from "../src/measure/latency-file.js";
import { SeriesRecorder } from "../src/measure/series.js";
import { RESULT_SCHEMA, type RunResult } from "../src/run/result.js";
import { SUMMARY_FILE } from "../src/study/files.js";
import { metricsOf } from "../src/study/metrics.js";
import { STATISTICS, type StudySummary, SUMMARY_SCHEMA, summarizeMetrics } from "../src/study/summary.js";

const UNIT_NS = 100;

/** Something that took so long and ended then. */
export interface Sample {
  readonly name: string;
  readonly atMs: number;
  readonly us: number;
}

export interface RunParts {
  readonly samples?: readonly Sample[];
  readonly faults?: readonly FaultBand[];
  readonly result?: Partial<RunResult>;
  readonly settings?: string;
}

/** Writes the folder and answers the result. Clears have seven phases that share their time as `phaseShares` says. */
export function writeRun(
  folder: string,
  { samples = [], faults = [], result = {}, settings }: RunParts = {},
): RunResult {
  mkdirSync(folder, { recursive: true });
  const histograms = new Map<string, TimeHistogram>();
  const series = new SeriesRecorder(UNIT_NS);
  for (const { name, atMs, us } of samples) {
    const histogram = histograms.get(name) ?? new TimeHistogram(UNIT_NS);
    histograms.set(name, histogram);
    histogram.record(us * 1_000);
    if (!/^crossCpuClear\./.test(name)) series.record(name, atMs * 1e6, us * 1_000);
  }
  const latencies: LatencyFile = {
    schema: LATENCY_SCHEMA,
    ...{ unitNs: UNIT_NS, startWallUs: 0, durationMs: Math.max(0, ...samples.map(({ atMs }) => atMs)) },
    histograms: Object.fromEntries([...histograms].map(([name, histogram]) => [name, histogram.encode()])),
    series: series.series(),
    faults,
  };
  const whole = resultOf(folder, histograms, result);
  writeFileSync(join(folder, LATENCY_FILE), JSON.stringify(latencies));
  writeFileSync(join(folder, "result.json"), JSON.stringify(whole));
  writeFileSync(join(folder, "experiment.yaml"), settings ?? "name: made-up\nseed: 7\nmachine: { poolSize: 1 }\n");
  return whole;
}

function resultOf(folder: string, histograms: ReadonlyMap<string, TimeHistogram>, more: Partial<RunResult>): RunResult {
  const named = (prefix: string) =>
    [...histograms]
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, histogram]) => [name.slice(prefix.length), distributionOf(histogram)] as const);
  const clears = histograms.get("crossCpuClear");
  const pairs = named("crossCpuClear.pair.").map(([name, distribution]) => {
    const [from = 0, to = 0] = name.split("-").map(Number);
    return { from, to, ...distribution };
  });
  const phases = new Map(named("crossCpuClear."));
  const phase = (name: ClearPhase) => phases.get(name) ?? distributionOf(new TimeHistogram(UNIT_NS));
  return {
    ...{ schema: RESULT_SCHEMA, experiment: "made-up", seed: 7, verdict: "valid", mode: "embedded" },
    host: { cpus: 4, vcpus: 4, poolSize: 1, design: "pool", preparation: "full", clearing: "atOnce" },
    operations: Object.fromEntries(named("operations.")),
    ...(clears === undefined ? {} : { crossCpuClear: { ...distributionOf(clears), ...phasesOf(phase), pairs } }),
    clears: { local: 0, crossCpu: clears?.count ?? 0, initial: 0 },
    pool: { hits: 0, recycles: 0, allocations: 0, frees: 0 },
    events: { published: 0, stored: 0, lost: 0 },
    ...{ violations: [], violationCount: 0, failures: [], failureCount: 0, gaps: [], thresholds: [] },
    workload: { kind: "roundRobin", notes: [], facts: {} },
    ...{ startedAt: "2026-01-02T03:04:05.678Z", durationMs: 1_000, folder, again: "vmcslab run made-up.yaml --seed 7" },
    ...more,
  };
}

function phasesOf(of: (phase: ClearPhase) => DistributionSummary): Pick<ClearReport, "phases"> {
  return {
    phases: {
      ...{ queued: of("queued"), wire: of("wire"), waiting: of("waiting"), executing: of("executing") },
      ...{ flush: of("flush"), back: of("back"), completing: of("completing") },
    },
  };
}

function distributionOf(histogram: TimeHistogram) {
  const us = (ns: number) => ns / 1_000;
  return { count: histogram.count, meanUs: us(histogram.meanNs), latencyUs: histogram.percentiles(us) };
}

export interface CellParts {
  readonly name: string;
  readonly values: Readonly<Record<string, unknown>>;
  readonly way?: "processes" | "simulated";
  /** One per repetition. */
  readonly runs: readonly RunParts[];
}

/** Writes the folder of a study, with a run's folder for each repetition. */
export function writeStudy(
  folder: string,
  cells: readonly CellParts[],
  more: Partial<StudySummary> = {},
): StudySummary {
  const axes = Object.keys(cells[0]?.values ?? {}).map((path) => ({
    path,
    values: [...new Map(cells.map(({ values }) => [JSON.stringify(values[path]), values[path]])).values()],
  }));
  const summary: StudySummary = {
    ...{
      schema: SUMMARY_SCHEMA,
      experiment: "made-up",
      seed: 7,
      startedAt: "2026-01-02T03:04:05.678Z",
      durationMs: 60_000,
    },
    axes,
    repetitions: Math.max(...cells.map(({ runs }) => runs.length)),
    statistics: STATISTICS,
    cells: cells.map(({ name, values, way = "processes", runs }) => {
      const results = runs.map((run, index) => {
        const mode = way === "simulated" ? "simulated" : "embedded";
        return writeRun(join(folder, "cells", name, `${index + 1}`), {
          ...run,
          result: { seed: 100 + index, mode, ...run.result },
        });
      });
      return {
        ...{ name, values: { ...values }, way },
        repetitions: results.map(({ seed, verdict }, index) => ({
          ...{ repetition: index + 1, seed, verdict, thresholdsMet: true, folder: join("cells", name, `${index + 1}`) },
        })),
        metrics: summarizeMetrics(results.map(metricsOf)),
      };
    }),
    missing: [],
    ...{ folder, again: "vmcslab run made-up.yaml --seed 7" },
    ...more,
  };
  writeFileSync(join(folder, SUMMARY_FILE), JSON.stringify(summary));
  writeFileSync(join(folder, "experiment.yaml"), "name: made-up\nmatrix: {}\n");
  return summary;
}

/** Clears between CPUs, with all their phases; each takes its share of `us`. */
export function clearSamples(
  atMs: number,
  us: number,
  pair: string,
  shares: Readonly<Record<string, number>>,
): Sample[] {
  return [
    { name: "crossCpuClear", atMs, us },
    { name: `crossCpuClear.pair.${pair}`, atMs, us },
    ...Object.entries(shares).map(([phase, share]) => ({ name: `crossCpuClear.${phase}`, atMs, us: us * share })),
  ];
}
