import type { HistoryEvent } from "@vmcslab/history";
import { expect, it } from "vitest";
import { EntryCosts } from "./entry-costs.js";

const ENVELOPE = { host: "h", source: "l0", incarnation: 1, seq: 1, lamport: 1, wallUs: 0, monoNs: 0, operation: 1 };

it("counts VMWRITEs to vmcs02s only, while they are that, and round trips, per entry and after the warm-up", () => {
  const costs = new EntryCosts((atNs) => atNs >= 100);
  const tell = (atNs: number, fact: Pick<HistoryEvent, "kind"> & Partial<HistoryEvent>): void =>
    costs.observe({ ...ENVELOPE, ...fact }, atNs);
  expect(costs.report()).toBeUndefined();
  tell(0, { kind: "vmcs.allocated", region: 0x1000, role: "vmcs01" });
  tell(0, { kind: "vmcs.allocated", region: 0x2000, role: "vmcs02" });
  tell(50, { kind: "vmcs.write", region: 0x2000, count: 90 });
  tell(60, { kind: "nested.enter", count: 7 });
  tell(100, { kind: "vmcs.write", region: 0x1000, count: 45 });
  tell(110, { kind: "vmcs.write", region: 0x2000, count: 3 });
  tell(120, { kind: "vmcs.write", region: 0x2000, count: 90 });
  tell(130, { kind: "nested.enter", count: 2 });
  tell(140, { kind: "vmcs.write", region: 0x2000, count: 1 });
  tell(150, { kind: "nested.enter", count: 1 });
  // The page is given to a vmcs01.
  tell(160, { kind: "vmcs.allocated", region: 0x2000, role: "vmcs01" });
  tell(170, { kind: "vmcs.write", region: 0x2000, count: 47 });
  expect(costs.report()).toEqual({
    count: 2,
    roundTrips: { mean: 1.5, max: 2 },
    vmwrites: { mean: 47, total: 94 },
  });
});
