/** What a report reads of the files in a run's folder. They may have been written by another version: what is not there is not shown. */
import { z } from "zod";
import { LATENCY_SCHEMA } from "../../measure/latency-file.js";
import { RESULT_SCHEMA } from "../../run/result.js";

const percentiles = z.object({ p50: z.number(), p90: z.number(), p99: z.number(), p999: z.number(), max: z.number() });

const distribution = z.object({ count: z.number(), latencyUs: percentiles, meanUs: z.number().optional() });

const pair = distribution.extend({ from: z.number(), to: z.number() });

export const resultSchema = z.looseObject({
  schema: z.literal(RESULT_SCHEMA),
  experiment: z.string(),
  seed: z.number(),
  verdict: z.enum(["valid", "invalid", "unknown"]),
  mode: z.string(),
  simulation: z.looseObject({ costModel: z.string(), ghz: z.number() }).optional(),
  host: z.record(z.string(), z.unknown()),
  machine: z.record(z.string(), z.unknown()).optional(),
  operations: z.record(z.string(), distribution),
  crossCpuClear: distribution
    .extend({ phases: z.record(z.string(), distribution).optional(), pairs: z.array(pair).default([]) })
    .optional(),
  load: z
    .looseObject({
      unit: z.string(),
      model: z.string(),
      intended: z.number(),
      sent: z.number(),
      done: z.number(),
      unfinished: z.number(),
      donePerSecond: z.number(),
      warmup: z.object({ durationMs: z.number(), units: z.number(), operations: z.number() }),
      generator: z.object({ fellBehind: z.boolean(), note: z.string() }).optional(),
    })
    .optional(),
  violations: z.array(z.looseObject({ check: z.string(), message: z.string() })).default([]),
  violationCount: z.number().default(0),
  gaps: z.array(z.string()).default([]),
  thresholds: z
    .array(z.object({ metric: z.string(), expression: z.string(), value: z.number().optional(), met: z.boolean() }))
    .default([]),
  startedAt: z.string(),
  durationMs: z.number(),
  again: z.string(),
});

const point = z.object({
  atMs: z.number(),
  count: z.number(),
  p50Us: z.number(),
  p99Us: z.number(),
  maxUs: z.number(),
});

export const latenciesSchema = z.object({
  schema: z.literal(LATENCY_SCHEMA),
  unitNs: z.number().positive(),
  startWallUs: z.number(),
  durationMs: z.number(),
  histograms: z.record(z.string(), z.string()),
  series: z.object({ intervalMs: z.number().positive(), points: z.record(z.string(), z.array(point)) }),
  faults: z.array(
    z.object({
      name: z.string(),
      action: z.string(),
      cpu: z.number().optional(),
      fromMs: z.number(),
      toMs: z.number().optional(),
    }),
  ),
});

export type ReadResult = z.output<typeof resultSchema>;
export type ReadLatencies = z.output<typeof latenciesSchema>;
export type ReadDistribution = z.output<typeof distribution>;
export type ReadPair = z.output<typeof pair>;
