import fc from "fast-check";
import { expect, it } from "vitest";
import { LatencyRecorder } from "./latency.js";

it("answers microseconds, in the order of the table, for what happened", () => {
  const recorder = new LatencyRecorder();
  for (let us = 1; us <= 1_000; us++) recorder.record("place", us * 1_000);
  recorder.record("create", 2_500_000);
  const summary = recorder.summary();
  expect(Object.keys(summary)).toEqual(["create", "place"]);
  expect(summary.create).toEqual({
    count: 1,
    latencyUs: { p50: 2_500, p90: 2_500, p99: 2_500, p999: 2_500, max: 2_500 },
  });
  expect(summary.place?.latencyUs.p50).toBeCloseTo(500, -1);
  expect(recorder.count).toBe(1_001);
});

it("percentiles never fall, and none is above the greatest value", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 700_000_000_000 }), { minLength: 1 }), (durationsNs) => {
      const recorder = new LatencyRecorder();
      for (const ns of durationsNs) recorder.record("exitL1", ns);
      const { p50 = -1, p90 = -1, p99 = -1, p999 = -1, max = -1 } = recorder.summary().exitL1?.latencyUs ?? {};
      expect([p50, p90, p99, p999, max]).toEqual([p50, p90, p99, p999, max].toSorted((left, right) => left - right));
      expect(recorder.summary().exitL1?.count).toBe(durationsNs.length);
    }),
  );
});
