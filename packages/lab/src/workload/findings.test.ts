import { expect, it } from "vitest";
import { Findings } from "./findings.js";

it("counts apart what faults explain, and marks it", () => {
  const findings = new Findings(({ code }) => code === "deadline");
  const failure = { operation: "place", definite: false, message: "m" } as const;
  findings.failure({ ...failure, code: "deadline" });
  findings.failure({ ...failure, code: "unexpectedOutcome" });
  expect(findings).toMatchObject({ failureCount: 2, unexplainedCount: 1 });
  expect(findings.failures.map(({ underFaults }) => underFaults)).toEqual([true, undefined]);
});

it("without faults nothing is explained", () => {
  const findings = new Findings();
  findings.failure({ operation: "place", code: "deadline", definite: false, message: "m" });
  expect(findings).toMatchObject({ failureCount: 1, unexplainedCount: 1, failures: [{ operation: "place" }] });
});
