import { expect, it } from "vitest";
import { exitCodeOf, verdictOf } from "./verdict.js";

const COMPLETE = { violations: 0, lost: 0, failures: 0, gaps: [] };

it.each([
  ["nothing wrong", {}, "valid", 0],
  ["a violation", { violations: 1 }, "invalid", 1],
  ["a violation, and events lost", { violations: 1, lost: 3 }, "invalid", 1],
  ["events lost", { lost: 1 }, "unknown", 2],
  ["a failed operation", { failures: 1 }, "unknown", 2],
  ["ended early", { gaps: ["ended early by SIGINT"] }, "unknown", 2],
])("%s", (_, evidence, verdict, exitCode) => {
  const found = verdictOf({ ...COMPLETE, ...evidence });
  expect(found).toBe(verdict);
  expect(exitCodeOf(found, true)).toBe(exitCode);
});

it("a missed threshold matters only to a valid run", () => {
  expect((["valid", "invalid", "unknown"] as const).map((verdict) => exitCodeOf(verdict, false))).toEqual([3, 1, 2]);
});
