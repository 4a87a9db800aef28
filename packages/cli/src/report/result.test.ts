import type { RunResult, Violation } from "@vmcslab/lab";
import { NO_CYCLES } from "@vmcslab/sim";
import { expect, it } from "vitest";
import { resultWith } from "../../test-support/result.js";
import { formatResult } from "./result.js";

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

it("a simulated run says that its times are virtual, in nanoseconds and cycles, where they went, and what its faults did", () => {
  const times = { p50: 400, p90: 400, p99: 400, p999: 400, max: 500 };
  const place = {
    count: 3,
    latencyNs: times,
    latencyCycles: { ...times, p50: 1_000 },
    roundTrips: { mean: 1.5, max: 2 },
  };
  const result: RunResult = {
    ...resultWith([]),
    ...{ verdict: "valid", mode: "simulated" },
    simulation: {
      ...{ costModel: "westmere", ghz: 2.5, virtualNs: 1_234_567, steps: 9 },
      operations: { place },
      cyclesByRow: { ...NO_CYCLES, entry: 750, exit: 250 },
    },
    faults: { injected: 2, healed: 1, byKind: { dropReply: { injected: 2, healed: 1, struck: 5 } } },
    failures: [{ operation: "place", code: "deadline", definite: false, message: "late", underFaults: true }],
    failureCount: 1,
  };
  const lines = formatResult(result, false).split("\n");
  expect(lines[0]).toBe("e, seed 7: valid (2 CPUs, 1 vcpus, pool size 1, 1.235 ms of virtual time)");
  expect(lines[1]).toContain("all times are virtual, of cost model westmere at 2.5 GHz");
  expect(lines.filter((line) => /place|entry:|exit:/.test(line)).map((line) => line.replace(/ *│ */g, "|"))).toEqual([
    "|place|3|400|400|500|1000|500|1.50|",
    "|entry: a VM entry by VMRESUME with nothing to recheck|750|75.0 %|",
    "|exit: a VM exit, for whatever reason|250|25.0 %|",
    "operation failed under faults: place: deadline (indefinite): late",
  ]);
  expect(lines).toContain("faults: 2 injected, 1 healed; operations that failed: 1");
  const [row = ""] = lines.filter((line) => line.includes("dropReply"));
  expect(row.replace(/ *│ */g, "|")).toBe("|dropReply|2|1|5|–|–|–|");
});
