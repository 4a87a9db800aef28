/** The axes of a study: what the matrix varies, after flags have had their say. */
import { UsageError } from "../errors.js";
import type { LoadedExperiment } from "../experiment/load.js";
import type { Override } from "../experiment/override.js";
import { WORKLOAD_KINDS } from "../experiment/workload-schema.js";

/** How a cell is run: on a host of processes (or one that runs already), or in virtual time. */
export type Way = "processes" | "simulated";
export const WAYS: readonly Way[] = ["processes", "simulated"];
/** The path in `matrix` that is none of the file's: which way to run. */
export const WAY_PATH = "way";

export interface AxisValue {
  readonly value: unknown;
  /** Where it is written. */
  readonly origin: string;
}

export interface Axis {
  /** Dotted, as in `matrix`. */
  readonly path: string;
  readonly values: readonly AxisValue[];
}

const REFUSED: Readonly<Record<string, string>> = {
  seed: "every repetition has a seed of its own: use `repetitions`",
  name: "it names the folder of the study",
  about: "it changes nothing",
  matrix: "a matrix has no matrix",
  exclude: "it belongs to the matrix as a whole",
  repetitions: "every cell is repeated alike",
};

/** Throws UsageError for a path that cannot be one, or a value that is there twice. */
export function axesOf(loaded: LoadedExperiment): Axis[] {
  return Object.entries(loaded.experiment.matrix).map(([path, values]) => {
    const origin = (index?: number) =>
      loaded.originOf(index === undefined ? ["matrix", path] : ["matrix", path, index]);
    checkPath(path, origin());
    checkTwice(path, values, origin);
    if (path === WAY_PATH) checkWays(values, origin);
    return { path, values: values.map((value, index) => ({ value, origin: origin(index) })) };
  });
}

/**
 * Flags come before the file: an axis that a flag sets is no axis any more. What a flag sets above or below an axis would be undone by it
 * in silence, so that is an error.
 */
export function withoutOverridden(axes: readonly Axis[], overrides: readonly Override[]): Axis[] {
  return axes.filter(({ path }) => {
    const flags = overrides.map((override) => ({ path: override.path.join("."), origin: override.origin }));
    const nested = flags.find((flag) => isNested(path, flag.path) || isOtherWorkload(path, flag.path));
    if (nested !== undefined)
      throw new UsageError(
        `${nested.origin}: the matrix varies ${path}, which would undo it: set ${path} itself, or leave the matrix out with --set 'matrix={}'`,
      );
    return !flags.some((flag) => flag.path === path);
  });
}

function isNested(left: string, right: string): boolean {
  return left.startsWith(`${right}.`) || right.startsWith(`${left}.`);
}

/** Another kind of workload replaces the first as a whole. */
function isOtherWorkload(left: string, right: string): boolean {
  const [leftKind, rightKind] = [left, right].map((path) =>
    WORKLOAD_KINDS.find((kind) => path === `workload.${kind}` || path.startsWith(`workload.${kind}.`)),
  );
  return leftKind !== undefined && rightKind !== undefined && leftKind !== rightKind;
}

export function isWay(value: unknown): value is Way {
  return WAYS.some((way) => way === value);
}

/** Whether two values of a YAML file are the same. */
export function isSame(left: unknown, right: unknown): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}

function checkPath(path: string, origin: string): void {
  const [first = "", ...rest] = path.split(".");
  const why = rest.length === 0 ? REFUSED[first] : first === WAY_PATH ? "`way` has no parts" : undefined;
  if (path.split(".").includes(""))
    throw new UsageError(`${origin}: matrix: "${path}" is no path: write it as machine.poolSize`);
  if (why !== undefined) throw new UsageError(`${origin}: matrix: ${path} cannot be varied: ${why}`);
}

function checkTwice(path: string, values: readonly unknown[], origin: (index: number) => string): void {
  values.forEach((value, index) => {
    if (values.findIndex((other) => isSame(other, value)) < index)
      throw new UsageError(`${origin(index)}: matrix: ${path}: ${JSON.stringify(value)} is there twice: remove one`);
  });
}

function checkWays(values: readonly unknown[], origin: (index: number) => string): void {
  values.forEach((value, index) => {
    if (!isWay(value))
      throw new UsageError(
        `${origin(index)}: matrix: way: must be one of ${WAYS.join(", ")}, not ${JSON.stringify(value)}`,
      );
  });
}
