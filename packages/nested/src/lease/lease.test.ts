import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CpuLease } from "./cpu-lease.js";
import { CpuLives } from "./cpu-lives.js";

const DRIFT_PPM = 10_000;

describe("a lease", () => {
  test("has ended on the CPU when its fence deadline passes on L0, whatever the delays, losses and clocks within the drift bound", () => {
    const anyBeat = fc.record({
      gapNs: fc.nat({ max: 50_000 }),
      thereNs: fc.nat({ max: 30_000 }),
      backNs: fc.nat({ max: 30_000 }),
      fate: fc.constantFrom("answered", "beat lost", "answer lost"),
    });
    const anyRate = fc.integer({ min: -DRIFT_PPM, max: DRIFT_PPM }).map((ppm) => 1 + ppm / 1e6);
    fc.assert(
      fc.property(
        fc.array(anyBeat, { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 1000, max: 100_000 }),
        anyRate,
        anyRate,
        (beats, durationNs, cpuRate, l0Rate) => {
          const lease = new CpuLease();
          const lives = new CpuLives({ durationNs, driftPpm: DRIFT_PPM });
          // True times at which things happen; each side sees them by its own clock.
          let nowNs = 1000;
          const arrivals: { readonly beat: number; readonly atNs: number; readonly backNs: number | undefined }[] = [];
          for (const { gapNs, thereNs, backNs, fate } of beats) {
            nowNs += gapNs;
            const beat = lease.beat(nowNs * cpuRate);
            if (fate !== "beat lost")
              arrivals.push({ beat, atNs: nowNs + thereNs, backNs: fate === "answered" ? backNs : undefined });
          }
          for (const { beat, atNs, backNs } of arrivals) {
            expect(lives.heard(0, 1, atNs * l0Rate)).not.toBe("over");
            if (backNs !== undefined) lease.granted(beat, durationNs);
          }
          if (arrivals.length === 0) return;
          const fenceTrueNs = lives.nextFenceNs / l0Rate;
          const endTrueNs = lease.endsNs / cpuRate;
          expect(endTrueNs).toBeLessThanOrEqual(fenceTrueNs + 1e-3);
          expect(lives.fence(lives.nextFenceNs - 1)).toEqual([]);
          expect(lives.fence(lives.nextFenceNs)).toEqual([{ cpu: 0, incarnation: 1 }]);
        },
      ),
    );
  });

  test("of no duration never ends, and nobody is fenced", () => {
    const lease = new CpuLease();
    const lives = new CpuLives({ durationNs: 0, driftPpm: 0 });
    expect(lease.isHeld(0)).toBe(false);
    lives.heard(3, 7, 10);
    lease.granted(lease.beat(5), 0);
    expect([lease.isHeld(1e18), lives.nextFenceNs, lives.fence(1e18)]).toEqual([true, Number.POSITIVE_INFINITY, []]);
  });

  test("is not prolonged by an answer to an earlier beat, nor twice by one answer", () => {
    const lease = new CpuLease();
    const first = lease.beat(0);
    const second = lease.beat(100);
    lease.granted(second, 50);
    expect(lease.endsNs).toBe(150);
    lease.granted(first, 50);
    lease.granted(second, 500);
    expect(lease.endsNs).toBe(150);
  });
});

describe("the lives of a CPU", () => {
  const terms = { durationNs: 100, driftPpm: 0 };

  test("a fenced life is over for good, and the next one is new", () => {
    const lives = new CpuLives(terms);
    expect(lives.heard(0, 4, 0)).toBe("new");
    expect(lives.heard(0, 4, 50)).toBe("known");
    expect(lives.fence(149)).toEqual([]);
    expect(lives.fence(150)).toEqual([{ cpu: 0, incarnation: 4 }]);
    expect(lives.fence(1000)).toEqual([]);
    expect(lives.heard(0, 4, 1000)).toBe("over");
    expect(lives.heard(0, 5, 1000)).toBe("new");
    expect(lives.heard(0, 4, 1001)).toBe("over");
  });

  test("an earlier life that is heard late prolongs nothing", () => {
    const lives = new CpuLives(terms);
    lives.heard(0, 5, 0);
    lives.heard(0, 4, 90);
    expect(lives.nextFenceNs).toBe(100);
    lives.ended(0, 5);
    expect([lives.nextFenceNs, lives.heard(0, 5, 10)]).toEqual([Number.POSITIVE_INFINITY, "over"]);
  });
});
