import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RandomStream } from "@vmcslab/faults";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type CellParts, type Sample, writeRun, writeStudy } from "../../../test-support/run-folder.js";
import { openSource } from "../read/source.js";
import { type CompareDocument, compareSources } from "./compare.js";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vmcslab-compare-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const at = (name: string) => join(folder, name);

async function compare(a: string, b: string, metrics: readonly string[] = []): Promise<CompareDocument> {
  return await compareSources(await openSource(at(a)), await openSource(at(b)), metrics);
}

/** Ten operations in each of a hundred intervals. */
function steady(seed: string, us: number): Sample[] {
  const stream = new RandomStream(seed);
  return Array.from({ length: 2_400 }, (_, i) => ({
    name: "operations.place",
    atMs: i * 0.1,
    us: us * (0.5 + stream.unit()),
  }));
}

function verdictOf(document: CompareDocument, metric: string): string | undefined {
  return document.comparisons.find((row) => row.metric === metric)?.verdict;
}

describe("two runs", () => {
  it("differ in latency where their series do, and their single numbers say that one sample is too few", async () => {
    writeRun(at("a"), { samples: steady("a", 1_000) });
    writeRun(at("b"), { samples: steady("b", 700) });
    writeRun(at("c"), { samples: steady("c", 1_000) });
    const found = await compare("a", "b");
    expect(verdictOf(found, "series.operations.place.p50Us")).toBe("B lower");
    expect(found.comparisons.find(({ metric }) => metric === "series.operations.place.p50Us")).toMatchObject({
      over: "intervals",
      percent: expect.closeTo(-30, -1),
    });
    expect(verdictOf(found, "operations.place.latencyUs.p50")).toBe("too few samples");
    expect(verdictOf(await compare("a", "c"), "series.operations.place.p50Us")).toBe("no difference seen");
    expect(found.warnings).toEqual([]);
    expect(found.settings).toEqual([]);
  });

  it("of other machines, other settings, other experiments are warned about", async () => {
    const machine = {
      cpuModel: "X",
      cpus: 2,
      memoryMiB: 1,
      platform: "linux x64",
      release: "6",
      node: "v20",
      load1: 0.1,
    };
    writeRun(at("a"), { result: { machine }, settings: "name: made-up\nseed: 1\nmachine: { poolSize: 1, cpus: 4 }\n" });
    writeRun(at("b"), {
      result: { machine: { ...machine, cpus: 64, load1: 9 }, experiment: "other", mode: "simulated" },
      settings: "name: other\nseed: 2\nmachine: { poolSize: 4 }\n",
    });
    const { settings, warnings } = await compare("a", "b");
    expect(settings).toEqual([
      { path: "name", a: '"made-up"', b: '"other"' },
      { path: "machine.poolSize", a: "1", b: "4" },
      { path: "machine.cpus", a: "4" },
      { path: "mode", a: '"live"', b: '"simulated"' },
    ]);
    expect(warnings).toEqual([
      "these are different experiments: made-up and other",
      "one is simulated and the other is not: their times have no common unit",
      "the machines differ (cpus 2 and 64): so may every time",
    ]);
  });
});

describe("two studies", () => {
  /** Repetitions become slower; the second cell is as much slower as the first in each of them. */
  const cells = (slower: number): CellParts[] =>
    [1, 4].map((size) => ({
      name: `poolSize=${size}`,
      values: { "machine.poolSize": size },
      runs: Array.from({ length: 6 }, (_, repetition) => ({
        samples: [{ name: "operations.place", atMs: 1, us: 100 + 50 * repetition + (size === 4 ? slower : 0) }],
      })),
    }));

  it("are compared cell by cell, in pairs of one seed", async () => {
    writeStudy(at("a"), cells(0));
    writeStudy(at("b"), cells(5));
    const { comparisons, different } = await compare("a", "b", ["operations.place.latencyUs.p50"]);
    expect(comparisons.map(({ cell, paired, verdict, samples }) => [cell, paired, verdict, samples.a])).toEqual([
      ["poolSize=1", true, "no difference seen", 6],
      ["poolSize=4", true, "B higher", 6],
    ]);
    expect(different).toBe(1);
  });

  it("two cells of one study are compared too", async () => {
    writeStudy(at("a"), cells(5));
    const { comparisons, a } = await compare("a/cells/poolSize=1", "a/cells/poolSize=4", [
      "operations.place.latencyUs.p50",
    ]);
    expect(a.kind).toBe("cell");
    expect(comparisons).toMatchObject([{ verdict: "B higher", paired: true, a: 225, b: 230 }]);
  });

  it("say which cells have no counterpart", async () => {
    writeStudy(at("a"), cells(0));
    writeStudy(
      at("b"),
      cells(0)
        .slice(1)
        .concat([{ name: "poolSize=9", values: { "machine.poolSize": 9 }, runs: [{}] }]),
    );
    const { warnings } = await compare("a", "b");
    expect(warnings).toEqual(["only A has 1 of the cells: poolSize=1", "only B has 1 of the cells: poolSize=9"]);
  });

  it("of too few repetitions say so, each number", async () => {
    writeStudy(at("a"), [{ name: "all", values: {}, runs: [{}, {}] }]);
    const { comparisons, judged } = await compare("a", "a");
    expect(new Set(comparisons.map(({ verdict }) => verdict))).toEqual(new Set(["too few samples"]));
    expect(judged).toBe(0);
  });

  it("a number that nobody has is a mistake", async () => {
    writeStudy(at("a"), cells(0));
    await expect(compare("a", "a", ["operations.plase"])).rejects.toThrow(
      "no number that A and B have in common begins with operations.plase",
    );
  });
});

describe("a folder", () => {
  it("without a result, or with a damaged one, is said to be that", async () => {
    await expect(openSource(at("none"))).rejects.toThrow(`${at("none")}: there is no such folder`);
    await expect(openSource(folder)).rejects.toThrow(
      "no run or study that has ended here: no result.json, no summary.json",
    );
    writeRun(at("a"));
    writeFileSync(at("a/result.json"), "{");
    await expect(openSource(at("a"))).rejects.toThrow(`${at("a/result.json")}: damaged`);
    writeFileSync(at("a/result.json"), '{"schema":"vmcslab.result/v9"}');
    await expect(openSource(at("a"))).rejects.toThrow("not what this version writes: schema");
  });
});
