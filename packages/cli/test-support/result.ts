import type { RunResult, Violation } from "@vmcslab/lab";

/** A result in which nothing happened but these violations. */
export function resultWith(violations: readonly Violation[]): RunResult {
  return {
    ...{ schema: "vmcslab.result/v1", experiment: "e", seed: 7, verdict: "invalid", mode: "embedded" },
    host: { cpus: 2, vcpus: 1, poolSize: 1, design: "pool", preparation: "full", clearing: "atOnce" },
    operations: {},
    clears: { local: 0, crossCpu: 0, initial: 0 },
    pool: { hits: 0, recycles: 0, allocations: 0, frees: 0 },
    events: { published: 0, stored: 0, lost: 0 },
    ...{ violations, violationCount: violations.length, failures: [], failureCount: 0, gaps: [], thresholds: [] },
    workload: { kind: "roundRobin", notes: [], facts: {} },
    ...{ startedAt: "2025-01-02T03:04:05.678Z", durationMs: 1, folder: "runs/e/1", again: "vmcslab run e" },
  };
}
