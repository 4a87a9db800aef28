/**
 * Thresholds: what the numbers of a result must meet. A metric is the dotted path of a number in result.json
 * (`operations.vmresume.latencyUs.p99`); a latency is compared with a duration, a count with a plain number.
 */

import { CLEAR_PHASES } from "@vmcslab/history";
import { PERCENTILE_NAMES } from "../measure/histogram.js";
import { OPERATION_NAMES } from "../measure/operations.js";
import { didYouMean } from "../text/suggest.js";
import type { Problem } from "./issues.js";
import type { Experiment } from "./schema.js";
import { parseDurationUs } from "./units.js";

const COMPARISONS = {
  "<": (left: number, right: number) => left < right,
  "<=": (left: number, right: number) => left <= right,
  ">": (left: number, right: number) => left > right,
  ">=": (left: number, right: number) => left >= right,
  "==": (left: number, right: number) => left === right,
  "!=": (left: number, right: number) => left !== right,
} as const;

const EXPRESSION_PATTERN = /^(<=|>=|==|!=|<|>)\s*(\S.*)$/;

const COUNT_METRICS: readonly string[] = [
  "clears.local",
  "clears.crossCpu",
  "clears.initial",
  "pool.hits",
  "pool.recycles",
  "pool.allocations",
  "pool.frees",
  "events.published",
  "events.stored",
  "events.lost",
  ...OPERATION_NAMES.map((name) => `operations.${name}.count`),
  "crossCpuClear.count",
];

const LATENCY_METRICS: readonly string[] = [
  ...OPERATION_NAMES.flatMap((name) => percentilesOf(`operations.${name}`)),
  ...["crossCpuClear", ...CLEAR_PHASES.map((phase) => `crossCpuClear.phases.${phase}`)].flatMap((name) => [
    ...percentilesOf(name),
    `${name}.meanUs`,
  ]),
];

export interface Threshold {
  readonly metric: string;
  readonly expression: string;
  readonly comparison: keyof typeof COMPARISONS;
  /** Microseconds for a latency. */
  readonly limit: number;
}

export interface ThresholdOutcome {
  readonly metric: string;
  readonly expression: string;
  /** Absent: the run had no such operation, so it has no latency, and the threshold is not met. */
  readonly value?: number;
  readonly met: boolean;
}

/** Metrics that a threshold may name. */
export function thresholdMetrics(): readonly string[] {
  return [...COUNT_METRICS, ...LATENCY_METRICS];
}

/** What is wrong with the thresholds of an experiment. */
export function thresholdProblems(experiment: Experiment): Problem[] {
  return Object.entries(experiment.thresholds).flatMap(([metric, expression]) => {
    const parsed = parseThreshold(metric, expression);
    return typeof parsed === "string" ? [{ path: ["thresholds", metric], message: parsed }] : [];
  });
}

/** A threshold, or what is wrong with it. */
export function parseThreshold(metric: string, expression: string): Threshold | string {
  const isLatency = LATENCY_METRICS.includes(metric);
  if (!isLatency && !COUNT_METRICS.includes(metric)) return `unknown metric${didYouMean(metric, thresholdMetrics())}`;
  const [, comparison, limitText = ""] = EXPRESSION_PATTERN.exec(expression.trim()) ?? [];
  if (comparison === undefined || !isComparison(comparison))
    return `write a comparison and a value, such as "${isLatency ? "< 5ms" : "== 0"}"`;
  const limit = isLatency ? parseDurationUs(limitText) : parseCount(limitText);
  if (limit !== undefined) return { metric, expression, comparison, limit };
  return isLatency
    ? `a latency needs a unit: write "${comparison} ${Number.parseFloat(limitText) || 5}ms"`
    : `"${limitText}" is not a number`;
}

/** Whether a result meets the thresholds of its experiment. `lookUp` looks a metric up. */
export function checkThresholds(
  experiment: Experiment,
  lookUp: (metric: string) => number | undefined,
): ThresholdOutcome[] {
  return Object.entries(experiment.thresholds).map(([metric, expression]) => {
    const threshold = parseThreshold(metric, expression);
    const value = lookUp(metric) ?? (COUNT_METRICS.includes(metric) ? 0 : undefined);
    if (typeof threshold === "string" || value === undefined) return { metric, expression, met: false };
    return { metric, expression, value, met: COMPARISONS[threshold.comparison](value, threshold.limit) };
  });
}

function percentilesOf(name: string): string[] {
  return PERCENTILE_NAMES.map((percentile) => `${name}.latencyUs.${percentile}`);
}

function isComparison(text: string): text is keyof typeof COMPARISONS {
  return Object.hasOwn(COMPARISONS, text);
}

function parseCount(text: string): number | undefined {
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : undefined;
}
