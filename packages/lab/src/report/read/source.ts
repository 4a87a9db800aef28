/** What a report is made of: the folder of a run, of a study, or of one cell of a study. */
import { readdir, realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { systemErrorCode, UsageError, unreadable } from "../../errors.js";
import { LATENCY_FILE } from "../../measure/latency-file.js";
import { SUMMARY_FILE } from "../../study/files.js";
import { type StudySummary, summarySchema } from "../../study/summary.js";
import { readJson, readSettings } from "./files.js";
import { latenciesSchema, type ReadLatencies, type ReadResult, resultSchema } from "./schemas.js";

export interface RunFiles {
  readonly folder: string;
  readonly result: ReadResult;
  /** Undefined: the run has none (an older version wrote it). */
  readonly latencies: () => Promise<ReadLatencies | undefined>;
  readonly settings: ReadonlyMap<string, string>;
}

export interface RunSource {
  readonly kind: "run";
  readonly folder: string;
  readonly run: RunFiles;
}

export interface CellSource {
  readonly kind: "cell";
  readonly folder: string;
  readonly name: string;
  /** In the order of the repetitions; at least one. */
  readonly runs: readonly RunFiles[];
}

export interface StudySource {
  readonly kind: "study";
  readonly folder: string;
  readonly summary: StudySummary;
  readonly settings: ReadonlyMap<string, string>;
  /** The first runs that are there, of each cell by its name. */
  readonly runsOf: (cell: string) => Promise<RunFiles[]>;
}

export type ReportSource = RunSource | CellSource | StudySource;

/** `path`: such a folder, a link to it such as `latest`, or the folder of an experiment's runs, which means its `latest`. Throws UsageError when nothing is there. */
export async function openSource(path: string): Promise<ReportSource> {
  const folder = await found(path);
  const source = (await openHere(folder)) ?? (await openLatest(folder));
  if (source !== undefined) return source;
  throw new UsageError(`${path}: no run or study that has ended here: no result.json, no ${SUMMARY_FILE}`);
}

async function openHere(folder: string): Promise<ReportSource | undefined> {
  const summary = await readJson(join(folder, SUMMARY_FILE), summarySchema);
  if (summary !== undefined) {
    const settings = await readSettings(join(folder, "experiment.yaml"));
    return { kind: "study", folder, summary, settings, runsOf: (cell) => runsOfCell(folder, summary, cell) };
  }
  const run = await openRun(folder);
  if (run !== undefined) return { kind: "run", folder, run };
  const runs = await openRepetitions(folder);
  return runs.length === 0 ? undefined : { kind: "cell", folder, name: basename(folder), runs };
}

async function openLatest(folder: string): Promise<ReportSource | undefined> {
  try {
    return await openHere(await realpath(join(folder, "latest")));
  } catch (thrown) {
    if (systemErrorCode(thrown) === "ENOENT") return undefined;
    throw thrown;
  }
}

async function openRun(folder: string): Promise<RunFiles | undefined> {
  const result = await readJson(join(folder, "result.json"), resultSchema);
  if (result === undefined) return undefined;
  const settings = await readSettings(join(folder, "experiment.yaml"));
  return { folder, result, settings, latencies: () => readJson(join(folder, LATENCY_FILE), latenciesSchema) };
}

/** Folders that are numbers, with a run in each. */
async function openRepetitions(folder: string): Promise<RunFiles[]> {
  const numbers = (await readdir(folder)).filter((name) => /^[1-9]\d*$/.test(name)).map(Number);
  const sorted = numbers.toSorted((left, right) => left - right);
  const runs = await Promise.all(sorted.map((number) => openRun(join(folder, `${number}`))));
  return runs.filter((run) => run !== undefined);
}

async function runsOfCell(folder: string, { cells }: StudySummary, name: string): Promise<RunFiles[]> {
  const cell = cells.find((candidate) => candidate.name === name);
  const runs = await Promise.all(
    (cell?.repetitions ?? []).map((repetition) => openRun(join(folder, repetition.folder))),
  );
  return runs.filter((run) => run !== undefined);
}

async function found(path: string): Promise<string> {
  try {
    const folder = await realpath(path);
    // A file in the folder means the folder.
    return /\.(json|yaml|html)$/.test(folder) ? dirname(folder) : folder;
  } catch (thrown) {
    if (systemErrorCode(thrown) === "ENOENT") throw new UsageError(`${path}: there is no such folder`);
    throw unreadable(path, thrown);
  }
}
