/** The folder that a run leaves: `runs/<experiment>/<utc>-<seed>/`, and `latest` beside it for the last that ended. */
import { mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { stringify } from "yaml";
import { errorMessage, systemErrorCode, UsageError } from "../errors.js";
import type { Experiment } from "../experiment/schema.js";
import type { RunResult } from "./result.js";

export interface RunFolder {
  readonly path: string;
  readonly historyDir: string;
  readonly logsDir: string;
}

/** Creates the folder with the experiment as it was resolved. `startedAt`: ISO 8601. Throws UsageError when it cannot be written. */
export async function createRunFolder(
  runsDir: string,
  experiment: Experiment,
  seed: number,
  startedAt: string,
): Promise<RunFolder> {
  const stamp = startedAt.replace(/[-:]/g, "").replace(/\.\d+Z$/, "Z");
  const parent = join(runsDir, experiment.name);
  try {
    await makeWithParents(parent);
    const path = await makeNew(join(parent, `${stamp}-${seed}`));
    const folder = { path, historyDir: join(path, "history"), logsDir: join(path, "logs") };
    await mkdir(folder.historyDir);
    await mkdir(folder.logsDir);
    await writeFile(join(path, "experiment.yaml"), stringify({ ...experiment, seed }));
    return folder;
  } catch (thrown) {
    throw new UsageError(`cannot write the run's folder below ${runsDir}: ${errorMessage(thrown)}`);
  }
}

/** Adds the result, and a page that says what lies here; only now is it what `latest` means. */
export async function writeRunResult(folder: RunFolder, result: RunResult): Promise<void> {
  await writeFile(join(folder.path, "result.json"), `${JSON.stringify(result, null, 2)}\n`);
  await writeFile(join(folder.path, "README.md"), readmeOf(result));
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

const HGRM_ROW =
  "| hist.hgrm, hgrm/ | the same as HdrHistogram's tools plot them, in microseconds: of the unit of load (or of cross-CPU clears), and of everything |\n";

function readmeOf(result: RunResult): string {
  const measured = Object.keys(result.operations).length > 0 || result.crossCpuClear !== undefined;
  return `# ${result.experiment}, seed ${result.seed}: ${result.verdict}

A run of vmcslab, begun ${result.startedAt}, ${Math.round(result.durationMs)} ms long.

| file | what it is |
| --- | --- |
| experiment.yaml | the experiment as it was run: every default, flag and variable resolved |
| result.json | the numbers (${result.schema}) |
| latencies.json | every distribution that was measured, whole, and how it went over time (vmcslab.latencies/v1) |
${measured ? HGRM_ROW : ""}| history/ | every event of the run, as trace recorded it; \`vmcslab check\` judges it again |
| logs/ | what the services logged |

Again: \`${result.again}\`
`;
}
