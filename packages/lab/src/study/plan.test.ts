import { describe, expect, it } from "vitest";
import { UsageError } from "../errors.js";
import { parseExperiment } from "../experiment/load.js";
import { parseSetFlag } from "../experiment/override.js";
import { planStudy, type StudyPlan, scheduleOf } from "./plan.js";

const HEAD = `name: sweep
seed: 7
workload:
  roundRobin: { entries: 10 }
`;
const MATRIX = `${HEAD}matrix:
  machine.poolSize: [0, 1, 4]
  way: [processes, simulated]
`;

function plan(text: string, sets: readonly string[] = [], way: "processes" | "simulated" = "processes"): StudyPlan {
  const loaded = parseExperiment(
    text,
    "e.yaml",
    sets.map((set) => parseSetFlag(set, "/cwd")),
  );
  const made = planStudy(loaded, way);
  if (made === undefined) throw new Error("it is no study");
  return made;
}

function refusal(text: string, sets: readonly string[] = []): string {
  try {
    plan(text, sets);
  } catch (thrown) {
    if (thrown instanceof UsageError) return thrown.message;
    throw thrown;
  }
  throw new Error("it was accepted");
}

const names = ({ cells }: StudyPlan) => cells.map(({ name }) => name);

describe("the cells of a study", () => {
  it("are every combination, each an experiment of its own without a matrix", () => {
    const { cells, repetitions } = plan(MATRIX);
    expect(cells.map(({ name, way }) => [name, way])).toEqual([
      ["poolSize=0,way=processes", "processes"],
      ["poolSize=0,way=simulated", "simulated"],
      ["poolSize=1,way=processes", "processes"],
      ["poolSize=1,way=simulated", "simulated"],
      ["poolSize=4,way=processes", "processes"],
      ["poolSize=4,way=simulated", "simulated"],
    ]);
    expect(repetitions).toBe(1);
    expect(cells.map(({ loaded }) => loaded.experiment.machine.poolSize)).toEqual([0, 0, 1, 1, 4, 4]);
    for (const { loaded } of cells) {
      expect(loaded.experiment).toMatchObject({ matrix: {}, repetitions: 1, exclude: [] });
      expect(planStudy(loaded, "processes")).toBeUndefined();
    }
  });

  it("are none where there is neither matrix nor repetition", () => {
    expect(planStudy(parseExperiment(HEAD, "e.yaml"), "processes")).toBeUndefined();
  });

  it("are one where there are only repetitions", () => {
    const { cells, repetitions } = plan(`${HEAD}repetitions: 3\n`, [], "simulated");
    expect(cells.map(({ name, way }) => [name, way])).toEqual([["all", "simulated"]]);
    expect(repetitions).toBe(3);
  });

  it("are fewer by what is excluded", () => {
    const text = `${MATRIX}exclude: [{ machine.poolSize: 4, way: processes }, { machine.poolSize: 0 }]\n`;
    expect(names(plan(text))).toEqual([
      "poolSize=1,way=processes",
      "poolSize=1,way=simulated",
      "poolSize=4,way=simulated",
    ]);
  });

  it("are those of a flag where a flag sets an axis", () => {
    expect(names(plan(MATRIX, ["machine.poolSize=9"]))).toEqual(["way=processes", "way=simulated"]);
    expect(names(plan(MATRIX, ["matrix.machine.poolSize=[2]"]))).toEqual([
      "poolSize=2,way=processes",
      "poolSize=2,way=simulated",
    ]);
    expect(plan(MATRIX, [], "simulated").cells.map(({ name, way }) => [name, way])).toEqual([
      ["poolSize=0", "simulated"],
      ["poolSize=1", "simulated"],
      ["poolSize=4", "simulated"],
    ]);
  });

  it("exclude goes by what a flag has put in the place of an axis", () => {
    const text = `${MATRIX}exclude: [{ machine.poolSize: 9, way: processes }]\n`;
    expect(names(plan(text, ["machine.poolSize=9"]))).toEqual(["way=simulated"]);
    expect(names(plan(text, ["machine.poolSize=8"]))).toEqual(["way=processes", "way=simulated"]);
  });

  it("reach entries of a list by name", () => {
    const faults = "faults: [{ name: late, match: {}, for: 1s, do: { delay: { constant: 5ms } } }]\n";
    const { cells } = plan(`${HEAD}${faults}matrix: { faults.late.for: [1s, 2s] }\n`);
    expect(cells.map(({ loaded }) => loaded.experiment.faults[0]?.for)).toEqual(["1s", "2s"]);
  });
});

describe("a study is refused before anything runs, with the place of what is wrong", () => {
  const withMatrix = (matrix: string) => `${HEAD}matrix: ${matrix}\n`;
  it.each([
    ["{ machine.poolSize: [0, 2000] }", "e.yaml:5:33: machine.poolSize: must be a whole number from 0 to 1024"],
    ["{ machine.poolsize: [1] }", 'e.yaml:5:30: unknown key "poolsize"; did you mean "poolSize"?'],
    ["{ machine.cpus: [] }", "e.yaml:5:11: matrix.machine.cpus: needs at least one value"],
    ["{ machine.cpus: 4 }", "e.yaml:5:11: matrix.machine.cpus: must be a list of values, such as [1, 2, 4]"],
    ["{ machine.cpus: [4, 2, 4] }", "e.yaml:5:32: matrix: machine.cpus: 4 is there twice: remove one"],
    ["{ way: [live] }", 'e.yaml:5:17: matrix: way: must be one of processes, simulated, not "live"'],
    [
      "{ seed: [1, 2] }",
      "e.yaml:5:11: matrix: seed cannot be varied: every repetition has a seed of its own: use `repetitions`",
    ],
    ["{ machine..cpus: [1] }", 'e.yaml:5:11: matrix: "machine..cpus" is no path: write it as machine.poolSize'],
  ])("matrix: %s", (matrix, message) => {
    expect(refusal(withMatrix(matrix))).toBe(message);
  });

  it("what is not a group of settings", () => {
    expect(refusal(`machine: { cpus: 2 }\n${withMatrix("{ machine.cpus.x: [1] }")}`)).toBe(
      'e.yaml:6:28: "cpus" is not a group of settings',
    );
  });

  it("more runs than a study has", () => {
    expect(refusal(`${MATRIX}repetitions: 900\n`)).toBe(
      "e.yaml:5:1: 6 cells, 900 times each, are 5400 runs; a study has 3000 at most: take values or repetitions away, or make two studies of it",
    );
  });

  it("an exclude that the matrix knows nothing of, that says nothing, that leaves nothing", () => {
    expect(refusal(`${MATRIX}exclude: [{ machine.cpus: 1 }]\n`)).toBe(
      "e.yaml:8:11: exclude: the matrix does not vary machine.cpus; it varies machine.poolSize, way",
    );
    expect(refusal(`${MATRIX}exclude: [{}]\n`)).toContain("an empty entry would leave out every cell");
    expect(refusal(`${MATRIX}exclude: [{ way: processes }, { way: simulated }]\n`)).toContain("leaves no cell to run");
  });

  it("a flag that the matrix would undo", () => {
    expect(refusal(MATRIX, ["machine={ cpus: 2 }"])).toBe(
      "--set machine={ cpus: 2 }: the matrix varies machine.poolSize, which would undo it: set machine.poolSize itself, or leave the matrix out with --set 'matrix={}'",
    );
    const guests = `${HEAD}matrix: { workload.roundRobin.l2Guests: [1, 2] }\n`;
    expect(refusal(guests, ["workload.kvmTrace=x"])).toContain("which would undo it");
  });
});

describe("the schedule", () => {
  const study = plan(`${MATRIX}repetitions: 8\n`);

  it("has every cell once in each repetition, one repetition after the other, with one seed", () => {
    const runs = scheduleOf(study, 7);
    expect(runs.map(({ repetition }) => repetition)).toEqual(runs.map((_, index) => 1 + Math.floor(index / 6)));
    for (let repetition = 1; repetition <= 8; repetition++) {
      const round = runs.filter((run) => run.repetition === repetition);
      expect(round.map(({ cell }) => cell.name).sort()).toEqual(names(study).sort());
      expect(new Set(round.map(({ seed }) => seed)).size).toBe(1);
    }
    expect(new Set(runs.map(({ seed }) => seed)).size).toBe(8);
  });

  it("is the seed's: shuffled, and the same again", () => {
    const order = (seed: number) => scheduleOf(study, seed).map(({ cell }) => cell.name);
    expect(order(7)).toEqual(order(7));
    expect(order(7)).not.toEqual(order(8));
    const firsts = scheduleOf(study, 7).filter((_, index) => index % 6 === 0);
    expect(new Set(firsts.map(({ cell }) => cell.name)).size).toBeGreaterThan(2);
  });

  it("a repetition more changes none before it", () => {
    const longer = scheduleOf({ ...study, repetitions: 9 }, 7).slice(0, 48);
    expect(longer.map(({ cell, seed }) => [cell.name, seed])).toEqual(
      scheduleOf(study, 7).map(({ cell, seed }) => [cell.name, seed]),
    );
  });
});
