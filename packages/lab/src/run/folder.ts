/** The folder that a run leaves: `runs/<experiment>/<utc>-<seed>/`, and `latest` beside it for the last that ended. */
import { mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { stringify } from "yaml";
import { errorMessage, systemErrorCode, UsageError } from "../errors.js";
import type { Experiment } from "../experiment/schema.js";
import { writeReportOf } from "../report/write-report.js";
import type { RunResult } from "./result.js";

export interface RunFolder {
  readonly path: string;
  readonly historyDir: string;
  readonly logsDir: string;
  /** Of a study: it is not what `latest` means. */
  readonly isPart: boolean;
}

/**
 * Creates the folder with the experiment as it was resolved. `startedAt`: ISO 8601. `path`: where, of a run that is part of something; else below `runsDir`. Throws UsageError
 * when it cannot be written.
 */
export async function createRunFolder(
  runsDir: string,
  experiment: Experiment,
  seed: number,
  startedAt: string,
  path?: string,
): Promise<RunFolder> {
  const fill = async (made: string): Promise<void> => {
    await mkdir(join(made, "history"));
    await mkdir(join(made, "logs"));
    await writeFile(join(made, "experiment.yaml"), stringify({ ...experiment, seed }));
  };
  const made =
    path === undefined
      ? await makeRunFolder(runsDir, experiment.name, seed, startedAt, fill)
      : await makeFolder(path, fill);
  return {
    path: made,
    historyDir: join(made, "history"),
    logsDir: join(made, "logs"),
    isPart: path !== undefined,
  };
}

/** Makes `runs/<experiment>/<utc>-<seed>` and fills it. Throws UsageError when that cannot be. */
export async function makeRunFolder(
  runsDir: string,
  name: string,
  seed: number,
  startedAt: string,
  fill: (path: string) => Promise<void>,
): Promise<string> {
  const stamp = startedAt.replace(/[-:]/g, "").replace(/\.\d+Z$/, "Z");
  const parent = join(runsDir, name);
  try {
    await makeWithParents(parent);
    const path = await makeNew(join(parent, `${stamp}-${seed}`));
    await fill(path);
    return path;
  } catch (thrown) {
    throw new UsageError(`cannot write the run's folder below ${runsDir}: ${errorMessage(thrown)}`);
  }
}

async function makeFolder(path: string, fill: (path: string) => Promise<void>): Promise<string> {
  try {
    await makeWithParents(path);
    await fill(path);
    return path;
  } catch (thrown) {
    throw new UsageError(`cannot write the run's folder ${path}: ${errorMessage(thrown)}`);
  }
}

/** Adds the result, and a page that says what lies here; only now is it what `latest` means. */
export async function writeRunResult(folder: RunFolder, result: RunResult): Promise<void> {
  await writeFile(join(folder.path, "result.json"), `${JSON.stringify(result, null, 2)}\n`);
  await writeFile(join(folder.path, "README.md"), readmeOf(result, folder.isPart));
  if (folder.isPart) return;
  await writeReportOf(folder.path);
  await linkLatest(folder);
}

/**
 * Like `mkdir` with `recursive`, which does not end where the system says of a folder that is there that it is not: Node.js then goes from
 * the folder to its parent and back for ever (/proc).
 */
async function makeWithParents(path: string): Promise<void> {
  if (await makeOne(path)) return;
  const parent = dirname(path);
  if (parent !== path) await makeWithParents(parent);
  await makeOne(path, true);
}

/** False: what it would lie in is not there. */
async function makeOne(path: string, hasParent = false): Promise<boolean> {
  try {
    await mkdir(path);
  } catch (thrown) {
    const code = systemErrorCode(thrown);
    if (code === "ENOENT" && !hasParent) return false;
    if (code !== "EEXIST") throw thrown;
  }
  return true;
}

/** Two runs of one second and seed do not share a folder. */
async function makeNew(path: string): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    const candidate = attempt === 1 ? path : `${path}-${attempt}`;
    try {
      await mkdir(candidate);
      return candidate;
    } catch (thrown) {
      if (systemErrorCode(thrown) !== "EEXIST") throw thrown;
    }
  }
}

/** A link is replaced in one step, so that `latest` is there at any time. */
export async function linkLatest({ path }: Pick<RunFolder, "path">): Promise<void> {
  const latest = join(dirname(path), "latest");
  const fresh = `${latest}.${process.pid}`;
  await rm(fresh, { force: true });
  await symlink(basename(path), fresh);
  await rename(fresh, latest);
}

const REPORT_ROW = "| report.html | plots and tables; opens without a network |\n";
const HGRM_ROW =
  "| hist.hgrm, hgrm/ | the same as HdrHistogram's tools plot them, in microseconds: of the unit of load (or of cross-CPU clears), and of everything |\n";

const LOAD_ROW =
  "| load.csv | when each unit of the open load was due, begun and done, in microseconds since the load began; empty where it was not |\n";

function readmeOf(result: RunResult, isPart: boolean): string {
  const measured = Object.keys(result.operations).length > 0 || result.crossCpuClear !== undefined;
  return `# ${result.experiment}, seed ${result.seed}: ${result.verdict}

A run of vmcslab, begun ${result.startedAt}, ${Math.round(result.durationMs)} ms long.

| file | what it is |
| --- | --- |
${isPart ? "" : REPORT_ROW}| experiment.yaml | the experiment as it was run: every default, flag and variable resolved |
| result.json | the numbers (${result.schema}) |
| latencies.json | every distribution that was measured, whole, and how it went over time (vmcslab.latencies/v1) |
${measured ? HGRM_ROW : ""}${result.load?.model === "open" ? LOAD_ROW : ""}| history/ | every event of the run, as trace recorded it; \`vmcslab check\` judges it again |
| logs/ | what the services logged |

Again: \`${result.again}\`
`;
}
