/** From an experiment file with a matrix to the runs that it asks for, each of them checked before the first begins. */
import { RandomStream } from "@vmcslab/faults";
import { UsageError } from "../errors.js";
import type { LoadedExperiment } from "../experiment/load.js";
import type { Override } from "../experiment/override.js";
import { createWorkload } from "../run/create-workload.js";
import { type Axis, axesOf, isSame, isWay, WAY_PATH, type Way, withoutOverridden } from "./axes.js";
import { cellNames } from "./cell-name.js";

/** A day of runs of half a minute. */
const RUNS_MAX = 3_000;

export interface Cell {
  /** Names its folder. */
  readonly name: string;
  /** What it has on each axis, by path. */
  readonly values: Readonly<Record<string, unknown>>;
  readonly way: Way;
  /** The experiment of one of its runs. */
  readonly loaded: LoadedExperiment;
}

export interface StudyPlan {
  readonly axes: readonly Axis[];
  readonly cells: readonly Cell[];
  readonly repetitions: number;
}

/** Undefined: the file asks for one run. Throws UsageError for a cell that cannot be run, with where its value is written. */
export function planStudy(loaded: LoadedExperiment, defaultWay: Way): StudyPlan | undefined {
  const { matrix, repetitions } = loaded.experiment;
  const written = axesOf(loaded);
  if (written.length === 0 && repetitions === 1) return undefined;
  // That of flags and variables: they come before the file.
  const axes = withoutOverridden(written, [
    ...loaded.overrides,
    ...(defaultWay === "simulated" ? [{ path: [WAY_PATH], value: defaultWay, origin: "--simulate" }] : []),
  ]);
  const combinations = axes.reduce((product, { values }) => product * values.length, 1);
  const runs = combinations * repetitions;
  if (runs > RUNS_MAX)
    throw new UsageError(
      `${loaded.originOf(["matrix"])}: ${combinations} cells, ${repetitions} times each, are ${runs} runs; a study has ${RUNS_MAX} at most: take values or repetitions away, or make two studies of it`,
    );
  const combined = combine(axes).filter((values) => !isExcluded(values, loaded, Object.keys(matrix)));
  if (combined.length === 0)
    throw new UsageError(`${loaded.originOf(["exclude"])}: exclude leaves no cell to run: remove an entry`);
  const names = cellNames(
    axes.map(({ path }) => path),
    combined,
  );
  const cells = combined.map((values, index) => cellOf(loaded, axes, values, names[index] ?? "", defaultWay));
  return { axes, cells, repetitions };
}

/** What is known of a workload only when its capture is read. Throws UsageError. */
export async function checkWorkloads({ cells }: Pick<StudyPlan, "cells">): Promise<void> {
  const seen = new Set<string>();
  for (const { loaded } of cells) {
    const { workload, machine } = loaded.experiment;
    const key = JSON.stringify([workload, machine.cpus, machine.vcpus]);
    if (!seen.has(key)) await createWorkload(loaded.experiment, 0);
    seen.add(key);
  }
}

/** One run of a study. */
export interface ScheduledRun {
  readonly cell: Cell;
  /** From 1. */
  readonly repetition: number;
  readonly seed: number;
}

/**
 * Repetition 1 of all cells, then repetition 2 of all: a machine that becomes slower meets every cell alike. Within a repetition the seed shuffles, so that no cell is always
 * the first; and all cells have one seed, so that they can be compared in pairs.
 */
export function scheduleOf({ cells, repetitions }: StudyPlan, seed: number): ScheduledRun[] {
  const stream = new RandomStream(`${seed}/study`);
  return Array.from({ length: repetitions }, (_, index) => index + 1).flatMap((repetition) => {
    const repetitionSeed = stream.fork(`seed/${repetition}`).next32();
    return shuffled(cells, stream.fork(`order/${repetition}`)).map((cell) => ({
      cell,
      repetition,
      seed: repetitionSeed,
    }));
  });
}

function shuffled<T>(items: readonly T[], stream: RandomStream): T[] {
  const keyed = items.map((item) => ({ item, key: stream.unit() }));
  return keyed.toSorted((left, right) => left.key - right.key).map(({ item }) => item);
}

function combine(axes: readonly Axis[]): Record<string, unknown>[] {
  return axes.reduce<Record<string, unknown>[]>(
    (cells, { path, values }) => cells.flatMap((cell) => values.map(({ value }) => ({ ...cell, [path]: value }))),
    [{}],
  );
}

/** An entry names some axes; a cell that has all its values is left out. */
function isExcluded(
  values: Readonly<Record<string, unknown>>,
  loaded: LoadedExperiment,
  paths: readonly string[],
): boolean {
  return loaded.experiment.exclude.some((entry, index) => {
    const where = loaded.originOf(["exclude", index]);
    const unknown = Object.keys(entry).find((path) => !paths.includes(path));
    // Whoever leaves the matrix out by a flag leaves out what belongs to it.
    if (paths.length === 0) return false;
    if (unknown !== undefined)
      throw new UsageError(`${where}: exclude: the matrix does not vary ${unknown}; it varies ${paths.join(", ")}`);
    const pairs = Object.entries(entry);
    if (pairs.length === 0)
      throw new UsageError(`${where}: exclude: an empty entry would leave out every cell: remove it`);
    return pairs.every(([path, value]) => isSame(values[path] ?? setting(loaded, path), value));
  });
}

/** Of an axis that a flag has replaced, what the flag says. */
function setting({ overrides }: LoadedExperiment, path: string): unknown {
  return overrides.findLast((override) => override.path.join(".") === path)?.value;
}

function cellOf(
  loaded: LoadedExperiment,
  axes: readonly Axis[],
  values: Readonly<Record<string, unknown>>,
  name: string,
  defaultWay: Way,
): Cell {
  const single: Override[] = [
    { path: ["matrix"], value: {}, origin: "matrix" },
    { path: ["exclude"], value: [], origin: "exclude" },
    { path: ["repetitions"], value: 1, origin: "repetitions" },
  ];
  const varied = axes
    .filter(({ path }) => path !== WAY_PATH)
    .map((axis): Override => {
      const value = values[axis.path];
      const origin = axis.values.find((candidate) => isSame(candidate.value, value))?.origin ?? "matrix";
      return { path: axis.path.split("."), value, origin };
    });
  const way = values[WAY_PATH];
  return { name, values, way: isWay(way) ? way : defaultWay, loaded: loaded.vary([...single, ...varied]) };
}
