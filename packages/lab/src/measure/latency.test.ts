import fc from "fast-check";
import { decodeFromCompressedBase64 } from "hdr-histogram-js";
import { expect, it } from "vitest";
import { LatencyRecorder } from "./latency.js";

it("answers microseconds, in the order of the table, for what happened", () => {
  const recorder = new LatencyRecorder();
  for (let us = 1; us <= 1_000; us++) recorder.record("place", 5e9, us * 1_000);
  recorder.record("create", 5e9, 2_500_000);
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
      for (const ns of durationsNs) recorder.record("exitL1", 1e12, ns);
      const { p50 = -1, p90 = -1, p99 = -1, p999 = -1, max = -1 } = recorder.summary().exitL1?.latencyUs ?? {};
      expect([p50, p90, p99, p999, max]).toEqual([p50, p90, p99, p999, max].toSorted((left, right) => left - right));
      expect(recorder.summary().exitL1?.count).toBe(durationsNs.length);
    }),
  );
});

it("leaves out and counts what began in the warm-up; what began before and after is measured", () => {
  const told: unknown[] = [];
  const recorder = new LatencyRecorder({ onRecord: (...record) => told.push(record) });
  recorder.record("create", 1_000, 500);
  recorder.warmup.begin(1_000);
  recorder.record("vmxon", 1_400, 600);
  recorder.record("place", 1_600, 600);
  recorder.warmup.end(2_000);
  recorder.record("place", 9_000, 7_001);
  recorder.record("place", 9_000, 7_000);
  expect(Object.entries(recorder.summary()).map(([name, { count }]) => [name, count])).toEqual([
    ["create", 1],
    ["place", 1],
    ["vmxon", 1],
  ]);
  expect([recorder.count, recorder.warmupCount, recorder.warmup.durationNs]).toEqual([5, 2, 1_000]);
  expect(told).toEqual([
    ["operations.create", 1_000, 500],
    ["operations.vmxon", 1_400, 600],
    ["operations.place", 9_000, 7_000],
  ]);
});

it("hands its histograms out whole", () => {
  const recorder = new LatencyRecorder({ unitNs: 1 });
  for (let ns = 1; ns <= 2_000; ns++) recorder.record("place", 1e6, ns);
  const [[name, histogram] = []] = [...recorder.histograms()];
  const decoded = decodeFromCompressedBase64(histogram?.encode() ?? "");
  expect([name, histogram?.unitNs, histogram?.meanNs]).toEqual(["operations.place", 1, 1_000.5]);
  expect([decoded.totalCount, decoded.maxValue, decoded.getValueAtPercentile(50)]).toEqual([2_000, 2_000, 1_000]);
});
