/**
 * Thresholds: what the numbers of a result must meet. A metric is the dotted path of a number in result.json
 * (`operations.vmresume.latencyUs.p99`); a latency is compared with a duration, a count with a plain number.
 */

import { didYouMean } from "../text/suggest.js";
import type { Problem } from "./issues.js";
import { metricKind, metricNames } from "./metrics.js";
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

/** What is wrong with the thresholds of an experiment. */
export function thresholdProblems(experiment: Experiment): Problem[] {
  return Object.entries(experiment.thresholds).flatMap(([metric, expression]) => {
    const parsed = parseThreshold(metric, expression);
    return typeof parsed === "string" ? [{ path: ["thresholds", metric], message: parsed }] : [];
  });
}

/** A threshold, or what is wrong with it. */
export function parseThreshold(metric: string, expression: string): Threshold | string {
  const kind = metricKind(metric);
  if (kind === undefined) return `unknown metric${didYouMean(metric, metricNames())}`;
  const isLatency = kind === "latency";
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
    const value = lookUp(metric) ?? (metricKind(metric) === "count" ? 0 : undefined);
    if (typeof threshold === "string" || value === undefined) return { metric, expression, met: false };
    return { metric, expression, value, met: COMPARISONS[threshold.comparison](value, threshold.limit) };
  });
}

function isComparison(text: string): text is keyof typeof COMPARISONS {
  return Object.hasOwn(COMPARISONS, text);
}

function parseCount(text: string): number | undefined {
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : undefined;
}
