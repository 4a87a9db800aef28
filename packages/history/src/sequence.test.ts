import { describe, expect, it } from "vitest";
import { type Arrival, SequenceChecker } from "./sequence.js";

const CPU0 = { host: "h", source: "cpu0", incarnation: 1 };

function arrivals(checker: SequenceChecker, ...numbers: number[]): Arrival[] {
  return numbers.map((seq) => checker.check({ ...CPU0, seq }));
}

describe("a source's sequence", () => {
  it("without gaps loses nothing", () => {
    const checker = new SequenceChecker();
    expect(arrivals(checker, 1, 2, 3)).toEqual(["next", "next", "next"]);
    expect(checker.counts()).toEqual({ received: 3, lost: 0, duplicates: 0, outOfOrder: 0 });
  });

  it("counts what a gap jumps over, and what was before the first arrival", () => {
    const checker = new SequenceChecker();
    expect(arrivals(checker, 3, 4, 8)).toEqual(["gap", "next", "gap"]);
    expect(checker.counts()).toMatchObject({ received: 3, lost: 2 + 3 });
  });

  it("tells a duplicate from a late arrival", () => {
    const checker = new SequenceChecker();
    expect(arrivals(checker, 1, 5, 3, 3, 1, 2, 4)).toEqual([
      "next",
      "gap",
      "late",
      "duplicate",
      "duplicate",
      "late",
      "late",
    ]);
    expect(checker.counts()).toEqual({ received: 5, lost: 0, duplicates: 2, outOfOrder: 3 });
  });

  it("starts again at 1 in a new life, and keeps the old one's count", () => {
    const checker = new SequenceChecker();
    arrivals(checker, 1, 3);
    expect(checker.check({ ...CPU0, incarnation: 2, seq: 1 })).toBe("next");
    expect(checker.counts()).toMatchObject({ received: 3, lost: 1, duplicates: 0 });
    expect(checker.countsOf({ ...CPU0, incarnation: 2 }).lost).toBe(0);
  });

  it("keeps sources and hosts apart", () => {
    const checker = new SequenceChecker();
    for (const source of ["cpu0", "cpu1", "l0"])
      for (const host of ["a", "b"]) expect(checker.check({ host, source, incarnation: 1, seq: 1 })).toBe("next");
  });

  it("sees a loss at the end when the source states how far it got", () => {
    const checker = new SequenceChecker();
    arrivals(checker, 1, 2);
    checker.published(CPU0, 4);
    expect(checker.counts()).toMatchObject({ received: 2, lost: 2 });
    expect(arrivals(checker, 4)).toEqual(["late"]);
    expect(checker.counts()).toMatchObject({ received: 3, lost: 1 });
  });

  it("forgets the oldest of more than 64 gaps, so that its memory is bounded", () => {
    const checker = new SequenceChecker();
    for (let seq = 2; seq <= 2 * 65; seq += 2) checker.check({ ...CPU0, seq });
    expect(arrivals(checker, 1, 3)).toEqual(["duplicate", "late"]);
    expect(checker.counts()).toMatchObject({ lost: 64, duplicates: 1, outOfOrder: 1 });
  });
});
