import type { LoadReport, RunResult } from "@vmcslab/lab";
import { expect, it } from "vitest";
import { resultWith } from "../../test-support/result.js";
import { formatResult } from "./result.js";

const TIMES = { mean: 150, p50: 100, p90: 200, p99: 900, p999: 950.5, max: 1_000 };

const OPEN: LoadReport = {
  ...{ model: "open", ratePerSecond: 500, arrivals: "poisson", unit: "a PlaceVcpu" },
  ...{ intended: 1_000, sent: 990, done: 985, unfinished: 15, donePerSecond: 490.25 },
  ...{ serviceUs: { ...TIMES, p99: 300 }, responseUs: TIMES },
  warmup: { durationMs: 2_000, units: 1_001, operations: 2_100 },
  generator: { count: 10, fellBehind: true, note: "the load generator fell behind: so and so" },
};

function linesOf(load: LoadReport | undefined): string[] {
  const result: RunResult = { ...resultWith([]), verdict: "valid", ...(load === undefined ? {} : { load }) };
  return formatResult(result, false).split("\n");
}

it("an open model: both times, what was left out, what was not done, and the generator, in the first line too", () => {
  const lines = linesOf(OPEN);
  expect(lines[0]).toContain("e, seed 7: valid (");
  expect(lines[0]).toContain(", the load generator fell behind)");
  expect(lines).toContain(
    "load: open model, 500 a second asked for, poisson arrivals; unit: a PlaceVcpu; 985 done, 490.25 a second; the warm-up before it had 1001 units and 2100 operations in 2000 ms, which are left out",
  );
  const rows = lines.filter((line) => /service|response/.test(line)).map((line) => line.replace(/ *│ */g, "|"));
  expect(rows).toEqual([
    "|service: from when it was begun|150.0|100.0|200.0|300.0|950.5|1000.0|",
    "|response: from when it was due|150.0|100.0|200.0|900.0|950.5|1000.0|",
  ]);
  expect(lines).toContain(
    "load: of 1000 units that were due 15 were not done (10 never begun, 5 failed or not ended): no time above is theirs",
  );
  expect(lines).toContain("the load generator fell behind: so and so");
});

it("a closed model has one time; a replay has none", () => {
  const { ratePerSecond: _, arrivals: __, generator: ___, ...rest } = OPEN;
  const lines = linesOf({
    ...rest,
    model: "closed",
    unfinished: 0,
    warmup: { durationMs: 0, units: 0, operations: 0 },
  });
  expect(lines).toContain("load: closed model; unit: a PlaceVcpu; 985 done, 490.25 a second");
  expect(lines.some((line) => line.includes("response"))).toBe(false);
  expect(linesOf(undefined).some((line) => line.includes("load"))).toBe(false);
});
