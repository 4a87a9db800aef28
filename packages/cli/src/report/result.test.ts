import type { RunResult, Violation } from "@vmcslab/lab";
import { expect, it } from "vitest";
import { formatResult } from "./result.js";

function resultWith(violations: readonly Violation[]): RunResult {
  return {
    ...{ schema: "vmcslab.result/v1", experiment: "e", seed: 7, verdict: "invalid" },
    host: { cpus: 2, vcpus: 1, poolSize: 1 },
    operations: {},
    clears: { local: 0, crossCpu: 0, initial: 0 },
    pool: { hits: 0, recycles: 0, allocations: 0, frees: 0 },
    events: { published: 0, stored: 0, lost: 0 },
    ...{ violations, violationCount: violations.length, failures: [], failureCount: 0, gaps: [], thresholds: [] },
    workload: { kind: "roundRobin", notes: [], facts: {} },
    ...{ startedAt: "2025-01-02T03:04:05.678Z", durationMs: 1, folder: "runs/e/1", again: "vmcslab run e" },
  };
}

it.each<[string, Violation, string]>([
  [
    "of the history",
    {
      ...{ invariant: 1, check: "active-twice", message: "it is loaded twice", certain: true },
      ...{ vmcs: 2, cpus: [0, 1], events: ["cpu0#17", "cpu1#4"] },
    },
    "violation of invariant 1 (active-twice): it is loaded twice [VMCS 2; CPU 0, 1; events cpu0#17, cpu1#4]",
  ],
  [
    "that L1 saw",
    { check: "l1Outcome", message: "it ended otherwise" },
    "violation of check l1Outcome: it ended otherwise",
  ],
])("a violation %s is printed with all that it names", (_, violation, line) => {
  expect(formatResult(resultWith([violation]), false).split("\n")).toContain(line);
});
