/** From the path of an experiment file to a checked experiment with every default filled in. */
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { UsageError, unreadable } from "../errors.js";
import { type ConfigDocument, type ConfigPath, parseConfigDocument } from "./document.js";
import { faultProblems } from "./fault-problems.js";
import { faultsWithPaths } from "./faults.js";
import { type Problem, problemsOf, valueAt } from "./issues.js";
import { applyOverrides, type Override, resolveOverride } from "./override.js";
import { type Experiment, experimentSchema } from "./schema.js";
import { thresholdProblems } from "./thresholds.js";
import { workloadProblems } from "./workload-problems.js";

export interface LoadedExperiment {
  readonly file: string;
  readonly experiment: Experiment;
  /** Where a value comes from: `file:line:column`, a flag, an environment variable, or `default`. */
  originOf(path: ConfigPath): string;
  /** What flags and variables put over the file. */
  readonly overrides: readonly Override[];
  /** The same file with more put over it. Throws UsageError as {@link loadExperiment} does. */
  vary(more: readonly Override[]): LoadedExperiment;
}

/** Problems shown at once; more would hide the first. */
const PROBLEMS_SHOWN_MAX = 5;

/** Reads and checks an experiment file, with `overrides` put over it. Throws UsageError with every place that is wrong. */
export async function loadExperiment(file: string, overrides: readonly Override[] = []): Promise<LoadedExperiment> {
  return parseExperiment(await readText(file), file, overrides);
}

/** As {@link loadExperiment}, for text at hand. */
export function parseExperiment(text: string, file: string, given: readonly Override[] = []): LoadedExperiment {
  return readExperiment(parseConfigDocument(text, file), file, given);
}

function readExperiment(document: ConfigDocument, file: string, given: readonly Override[]): LoadedExperiment {
  const overrides = given.map((override) => resolveOverride(document.value, override));
  const value = applyOverrides(document.value, overrides);
  const parsed = experimentSchema.safeParse(value);
  const problems = parsed.success
    ? [...workloadProblems(parsed.data), ...faultProblems(parsed.data), ...thresholdProblems(parsed.data)]
    : problemsOf(parsed.error.issues, value);
  if (!parsed.success || problems.length > 0) throw new UsageError(messageOf(problems, document, overrides));
  return {
    file,
    experiment: withAbsolutePaths(parsed.data, file),
    originOf: (path) => {
      const override = overrideOf(path, overrides);
      return override?.origin ?? (valueAt(document.value, path) === undefined ? "default" : document.locate(path));
    },
    overrides,
    vary: (more) => readExperiment(document, file, [...given, ...more]),
  };
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (thrown) {
    throw unreadable(file, thrown);
  }
}

function messageOf(problems: readonly Problem[], document: ConfigDocument, overrides: readonly Override[]): string {
  const lines = problems.slice(0, PROBLEMS_SHOWN_MAX).map(({ path, message }) => {
    const place = overrideOf(path, overrides)?.origin ?? document.locate(path);
    return `${place}: ${path.length === 0 || message.startsWith("unknown key") ? "" : `${path.join(".")}: `}${message}`;
  });
  const hidden = problems.length - lines.length;
  return [...lines, ...(hidden > 0 ? [`and ${hidden} more`] : [])].join("\n");
}

/** The last override that set the value at `path`, or a group around it. */
function overrideOf(path: ConfigPath, overrides: readonly Override[]): Override | undefined {
  return overrides.findLast((override) => override.path.every((step, index) => String(path[index]) === String(step)));
}

/** A relative path in the file is meant from the file. */
function withAbsolutePaths(experiment: Experiment, file: string): Experiment {
  const fromFile = (path: string) => resolve(dirname(file), path);
  const { workload } = experiment;
  return {
    ...experiment,
    faults: faultsWithPaths(experiment.faults, fromFile),
    workload: "kvmTrace" in workload ? { ...workload, kvmTrace: fromFile(workload.kvmTrace) } : workload,
  };
}
