import { RandomStream } from "@vmcslab/faults";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { percentileInterval } from "../../study/statistics/median.js";
import { compareBlocks, INTERVALS_MIN, resampledMeans, type Weighted } from "./blocks.js";

/** A latency over time that remembers: what was late stays late for a while, as after a pause. */
function persistent(stream: RandomStream, size: number, mean: number): Weighted[] {
  let state = 0;
  return Array.from({ length: size }, () => {
    state = 0.7 * state + stream.unit() - 0.5;
    return { value: mean + state, weight: 10 };
  });
}

describe("two runs over time", () => {
  it("with too few intervals get none", () => {
    const series = persistent(new RandomStream("few"), INTERVALS_MIN, 100);
    expect(compareBlocks(series.slice(1), series).interval).toBeUndefined();
    expect(compareBlocks(series, series).interval).toBeDefined();
  });

  it("are compared by means that are weighted by their operations", () => {
    const weighted = [
      { value: 1, weight: 3 },
      { value: 5, weight: 1 },
    ];
    expect(compareBlocks(weighted, [{ value: 4, weight: 9 }])).toEqual({ a: 2, b: 4, interval: undefined });
  });

  it("that are constant differ by exactly what they differ by", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e6 }),
        fc.integer({ min: 1, max: 1e6 }),
        fc.integer({ min: 20, max: 60 }),
        (a, b, size) => {
          const series = (value: number) => Array.from({ length: size }, () => ({ value, weight: 2 }));
          const { interval } = compareBlocks(series(a), series(b));
          expect(interval?.low).toBeCloseTo(b - a, 6);
          expect(interval?.high).toBeCloseTo(b - a, 6);
        },
      ),
      { numRuns: 20 },
    );
  });
});

describe("coverage of the mean of a latency that remembers", () => {
  const experiments = 300;
  const stream = new RandomStream("coverage");

  function coverage(resample: (series: readonly Weighted[]) => number[]): number {
    let held = 0;
    for (let i = 0; i < experiments; i++) {
      const { low, high } = percentileInterval(resample(persistent(stream, 200, 50)));
      if (low <= 50 && 50 <= high) held++;
    }
    return held / experiments;
  }

  it("with blocks is near 95 %", () => {
    expect(coverage((series) => resampledMeans(series, stream.fork("blocks")))).toBeGreaterThan(0.87);
  });

  it("without them, as if intervals were independent, is far below", () => {
    const single = (series: readonly Weighted[]) =>
      Array.from(
        { length: 400 },
        () => series.reduce((sum) => sum + (series[stream.below(series.length)]?.value ?? 0), 0) / series.length,
      );
    expect(coverage(single)).toBeLessThan(0.8);
  });
});
