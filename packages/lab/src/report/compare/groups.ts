/** A run, a cell or a study as groups of repetitions, so that any of them can be compared. */
import { metricsOf } from "../../study/metrics.js";
import type { ReportSource, RunFiles } from "../read/source.js";

export interface Group {
  readonly name: string;
  /** What tells it from the others of its study: values of the axes, and the way to run. */
  readonly key: string;
  readonly seeds: readonly number[];
  /** By metric, one value per repetition; null: that one has none. */
  readonly samples: ReadonlyMap<string, readonly (number | null)[]>;
}

export function groupsOf(source: ReportSource): Group[] {
  if (source.kind === "run") return [groupOfRuns(source.run.result.experiment, [source.run])];
  if (source.kind === "cell") return [groupOfRuns(source.name, source.runs)];
  return source.summary.cells.map(({ name, values, way, repetitions, metrics }) => ({
    name,
    key: JSON.stringify([Object.entries(values).toSorted(([left], [right]) => (left < right ? -1 : 1)), way]),
    seeds: repetitions.map(({ seed }) => seed),
    samples: new Map(Object.entries(metrics).map(([metric, { values: samples }]) => [metric, samples])),
  }));
}

function groupOfRuns(name: string, runs: readonly RunFiles[]): Group {
  const metrics = runs.map(({ result }) => metricsOf(result));
  const names = new Set(metrics.flatMap((one) => [...one.keys()]));
  return {
    name,
    key: "",
    seeds: runs.map(({ result }) => result.seed),
    samples: new Map([...names].map((metric) => [metric, metrics.map((one) => one.get(metric) ?? null)])),
  };
}
