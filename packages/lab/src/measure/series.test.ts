import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SeriesRecorder } from "./series.js";

const MS = 1_000_000;

describe("latency over time", () => {
  it("shows when a stall was, and that the rest was not slow", () => {
    const recorder = new SeriesRecorder(100);
    // Every millisecond for ten seconds; from the fourth to the fifth second each takes a second.
    for (let ms = 0; ms < 10_000; ms++)
      recorder.record("place", ms * MS, ms >= 4_000 && ms < 5_000 ? 1_000 * MS : MS / 10);
    const { intervalMs, points } = recorder.series();
    expect(points.place?.length).toBeLessThanOrEqual(240);
    for (const { atMs, p50Us } of points.place ?? []) {
      const [from, to] = [atMs, atMs + intervalMs];
      // An interval that the stall begins or ends in may show either.
      if (to <= 4_000 || from >= 5_000) expect(p50Us).toBeCloseTo(100, -1);
      else if (from >= 4_000 && to <= 5_000) expect(p50Us / 1e6).toBeCloseTo(1, 1);
    }
  });

  it("counts everything once, however long the run becomes, in whatever order it is told", () => {
    const event = fc.tuple(fc.constantFrom("a", "b"), fc.nat(100_000 * MS), fc.nat(1_000 * MS));
    fc.assert(
      fc.property(fc.array(event, { maxLength: 200 }), (events) => {
        const recorder = new SeriesRecorder(1);
        for (const [name, atNs, durationNs] of events) recorder.record(name, atNs, durationNs);
        const { intervalMs, points } = recorder.series();
        for (const name of ["a", "b"]) {
          const mine = events.filter(([whose]) => whose === name);
          const told = points[name] ?? [];
          expect(told.reduce((sum, { count }) => sum + count, 0)).toBe(mine.length);
          expect(told.map(({ atMs }) => atMs)).toEqual(told.map(({ atMs }) => atMs).toSorted((a, b) => a - b));
          const greatestUs = Math.max(0, ...mine.map(([, , durationNs]) => durationNs / 1_000));
          // Two digits: 1 % of any value.
          const toldUs = Math.max(0, ...told.map(({ maxUs }) => maxUs));
          expect(Math.abs(toldUs - greatestUs)).toBeLessThanOrEqual(greatestUs * 0.01 + 0.002);
          for (const { p50Us, p99Us, maxUs } of told)
            expect([p50Us, p99Us, maxUs]).toEqual([p50Us, p99Us, maxUs].toSorted((a, b) => a - b));
          expect(told.length * intervalMs).toBeLessThanOrEqual(240 * intervalMs);
        }
      }),
      { numRuns: 30 },
    );
  });
});
