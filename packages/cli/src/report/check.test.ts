import type { HistoryEvent } from "@vmcslab/history";
import type { RunCheck } from "@vmcslab/lab/check";
import { expect, it } from "vitest";
import { formatCheck } from "./check.js";

function load(cpu: number, seq: number): HistoryEvent {
  const envelope = { host: "h", source: `cpu${cpu}`, incarnation: 1, seq, lamport: seq, wallUs: 1_000_000, monoNs: 1 };
  return { ...envelope, kind: "vmcs.load", operation: 4, cpu, region: 0x2000 };
}

const VALID: RunCheck = {
  schema: "vmcslab.check/v1",
  history: "runs/a/latest/history",
  verdict: "valid",
  doubts: [],
  events: { checked: 30, lost: 0, duplicates: 0, outOfOrder: 0, posthumous: 0 },
  sources: { cpu10: 5, l0: 20, cpu2: 5 },
  indefinite: 0,
  violations: [],
  violationCount: 0,
  possibleCount: 0,
};

const VIOLATION: RunCheck["violations"][number] = {
  invariant: 1,
  rule: "active-twice",
  says: "a VMCS is loaded on a CPU while it is active on another",
  message: "VMCS 2 (0x2000) is loaded on CPU 1 while it is active on CPU 0",
  vmcs: 2,
  cpus: [0, 1],
  certain: true,
  events: [load(0, 3), load(1, 9)],
  around: [
    { event: load(0, 3), contradicts: true, skipped: 0 },
    { event: load(1, 8), contradicts: false, skipped: 4 },
    { event: load(1, 9), contradicts: true, skipped: 0 },
  ],
};

it("a valid history in three lines, CPUs in the order of their numbers", () => {
  expect(formatCheck(VALID, false)).toBe(`runs/a/latest/history: valid
30 events, 0 lost, 0 duplicates; 0 operations ended indefinitely; 0 violations
3 sources: cpu2 5, cpu10 5, l0 20
`);
});

it("a violation with rule, VMCS, CPUs and the events that contradict each other", () => {
  const events = { ...VALID.events, posthumous: 2 };
  const check: RunCheck = { ...VALID, verdict: "invalid", events, violations: [VIOLATION], violationCount: 3 };
  expect(formatCheck(check, false)).toBe(`runs/a/latest/history: invalid
30 events, 0 lost, 0 duplicates, 2 of CPUs that had been given up; 0 operations ended indefinitely; 3 violations
3 sources: cpu2 5, cpu10 5, l0 20

violation of invariant 1 (active-twice): a VMCS is loaded on a CPU while it is active on another
  VMCS 2 (0x2000) is loaded on CPU 1 while it is active on CPU 0
  VMCS 2; CPU 0, 1
  ▶   cpu0 1.000000: vmcs.load: cpu=0 region=0x2000 op=4 seq=3
      … 4 more
      cpu1 1.000000: vmcs.load: cpu=1 region=0x2000 op=4 seq=8
  ▶   cpu1 1.000000: vmcs.load: cpu=1 region=0x2000 op=4 seq=9

and 2 more
`);
});

it("what missing events could explain is called possible, and what is missing is said", () => {
  const violations = [{ ...VIOLATION, certain: false }];
  const text = formatCheck(
    { ...VALID, verdict: "unknown", doubts: ["4 events are lost"], violations, possibleCount: 1 },
    false,
  );
  expect(text).toContain("; 0 violations, 1 possible\n");
  expect(text).toContain("\nevidence is missing: 4 events are lost\n");
  expect(text).toContain("\npossible violation of invariant 1 (active-twice): ");
  expect(text).toContain("\n  missing events could explain it\n");
});
