import { EMPTY_REPORT, type ExploreReport, mergeReports } from "@vmcslab/sim";
import { expect, test } from "vitest";
import { type Chunk, type ChunkResult, type ChunkRunner, type SearchOptions, searchSeeds } from "./chunks.js";

const VIOLATING = [62, 70, 118, 130];

/** As a thread that is now slow and now quick would answer. */
class FakeRunner implements ChunkRunner {
  readonly chunks: Chunk[] = [];
  readonly #turns: (chunk: Chunk) => number;

  constructor(turns: (chunk: Chunk) => number) {
    this.#turns = turns;
  }

  async run(chunk: Chunk, stopsAtViolation: boolean): Promise<ChunkResult> {
    this.chunks.push(chunk);
    for (let turn = this.#turns(chunk); turn > 0; turn--) await Promise.resolve();
    let report = EMPTY_REPORT;
    for (let seed = chunk.from; seed < chunk.from + chunk.count; seed++) {
      report = mergeReports(report, reportOf(seed));
      if (stopsAtViolation && VIOLATING.includes(seed)) break;
    }
    return { report, busyNs: 1 };
  }
}

function reportOf(seed: number): ExploreReport {
  const violations = VIOLATING.includes(seed) ? [{ seed, rule: "leak", message: "" }] : [];
  return { ...EMPTY_REPORT, seeds: 1, digest: seed.toString(16).padStart(16, "0"), violations };
}

const sumOf = (from: number, to: number): string =>
  (((from + to) * (to - from + 1)) / 2).toString(16).padStart(16, "0");

const SLOW_BELOW_70: (chunk: Chunk) => number = ({ from }) => (from < 70 ? 50 : 1);

function search(options: Partial<SearchOptions>): Promise<ChunkResult> {
  const runners = [new FakeRunner(() => 1)];
  return searchSeeds({ from: 1, count: 200, runners, keepsGoing: false, isOver: () => false, ...options });
}

test.each([1, 2, 7])("ends with the lowest seed that violates, on %i runners of any speed", async (jobs) => {
  const runners = Array.from({ length: jobs }, () => new FakeRunner(SLOW_BELOW_70));
  const { report } = await search({ runners });
  expect(report).toMatchObject({ seeds: 62, digest: sumOf(1, 62), violations: [{ seed: 62 }] });
});

test("begins nothing behind a violation that it knows of", async () => {
  const runner = new FakeRunner(() => 1);
  await search({ runners: [runner] });
  expect(Math.max(...runner.chunks.map(({ from }) => from))).toBeLessThanOrEqual(62);
});

test("goes on after violations if it is told to", async () => {
  const { report, busyNs } = await search({ keepsGoing: true });
  expect(report).toMatchObject({ seeds: 200, digest: sumOf(1, 200) });
  expect(report.violations.map(({ seed }) => seed)).toEqual(VIOLATING);
  expect(busyNs).toBe(8);
});

test("what it is not given time for is missing at the end, not in the middle", async () => {
  let chunks = 0;
  const { report } = await search({
    from: 1_000,
    runners: [new FakeRunner(() => 9), new FakeRunner(() => 1)],
    isOver: () => ++chunks > 3,
  });
  expect(report.digest).toBe(sumOf(1_000, 1_000 + report.seeds - 1));
  expect(report.seeds).toBe(75);
});

test("a runner that fails fails the search", async () => {
  const broken: ChunkRunner = { run: () => Promise.reject(new Error("broken")) };
  await expect(search({ runners: [broken] })).rejects.toThrow("broken");
});
