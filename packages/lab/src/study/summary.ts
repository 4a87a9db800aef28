/** `summary.json` of a study: every cell with every metric of its repetitions. Its schema is `vmcslab.study/v1`; keys may be added, never changed. */
import { z } from "zod";
import type { Verdict } from "../run/verdict.js";
import { medianInterval, medianOf, RESAMPLES, SAMPLES_MIN } from "./statistics/median.js";

export const SUMMARY_SCHEMA = "vmcslab.study/v1";

const interval = z.object({ low: z.number(), high: z.number() });

const metric = z.object({
  /** One per repetition that has it, in the order of `repetitions`; null: that one has none. */
  values: z.array(z.number().nullable()),
  median: z.number(),
  /** 95 %, of the median. Absent: too few samples. */
  interval: interval.optional(),
  tooFewSamples: z.boolean(),
});

const verdict = z.enum(["valid", "invalid", "unknown"]);

const repetition = z.object({
  repetition: z.number(),
  seed: z.number(),
  verdict,
  thresholdsMet: z.boolean(),
  /** Below the study's folder. */
  folder: z.string(),
});

const cell = z.object({
  name: z.string(),
  /** By path of the matrix. */
  values: z.record(z.string(), z.unknown()),
  way: z.enum(["processes", "simulated"]),
  repetitions: z.array(repetition),
  metrics: z.record(z.string(), metric),
});

const missing = z.object({ cell: z.string(), repetition: z.number(), why: z.string() });

export const summarySchema = z.object({
  schema: z.literal(SUMMARY_SCHEMA),
  experiment: z.string(),
  about: z.string().optional(),
  seed: z.number(),
  startedAt: z.string(),
  durationMs: z.number(),
  /** What was varied: path and values. */
  axes: z.array(z.object({ path: z.string(), values: z.array(z.unknown()) })),
  repetitions: z.number(),
  statistics: z.object({ confidence: z.number(), resamples: z.number(), samplesMin: z.number() }),
  cells: z.array(cell),
  /** Runs that the study was to have and has not. */
  missing: z.array(missing),
  /** The signal that ended it early. */
  interrupted: z.string().optional(),
  folder: z.string(),
  again: z.string(),
});

export type StudySummary = z.output<typeof summarySchema>;
export type StudyCell = z.output<typeof cell>;
export type StudyMetric = z.output<typeof metric>;
export type StudyRepetition = z.output<typeof repetition>;
export type MissingRun = z.output<typeof missing>;

export const STATISTICS: StudySummary["statistics"] = {
  confidence: 0.95,
  resamples: RESAMPLES,
  samplesMin: SAMPLES_MIN,
};

/** The metrics of a cell, from those of its repetitions. */
export function summarizeMetrics(repetitions: readonly ReadonlyMap<string, number>[]): Record<string, StudyMetric> {
  const names = new Set(repetitions.flatMap((metrics) => [...metrics.keys()]));
  return Object.fromEntries(
    [...names].map((name) => [name, summarize(repetitions.map((metrics) => metrics.get(name) ?? null))]),
  );
}

function summarize(values: readonly (number | null)[]): StudyMetric {
  const samples = samplesOf(values);
  const found = medianInterval(samples);
  return {
    values: [...values],
    median: medianOf(samples),
    ...(found === undefined ? {} : { interval: found }),
    tooFewSamples: found === undefined,
  };
}

/** The values that are there. */
export function samplesOf(values: readonly (number | null)[]): number[] {
  return values.filter((value) => value !== null);
}

/** The worst verdict of a study: a run that is missing says as little as one that is unknown. */
export function studyVerdict({ cells, missing: absent }: Pick<StudySummary, "cells" | "missing">): Verdict {
  const verdicts = cells.flatMap(({ repetitions }) => repetitions.map(({ verdict: found }) => found));
  if (verdicts.includes("invalid")) return "invalid";
  return absent.length > 0 || verdicts.includes("unknown") ? "unknown" : "valid";
}
