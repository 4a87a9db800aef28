/** `vmcslab explore`: reads flags and file, searches, prints, writes the plans of what was found. */
import { stat } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { UsageError } from "@vmcslab/lab/errors";
import { loadExperiment, parseDurationNs } from "@vmcslab/lab/experiment";
import {
  type ExploreProgress,
  type ExploreSetup,
  explore,
  type Finding,
  setupOf,
  writePlanFile,
} from "@vmcslab/lab/explore";
import { systemClock } from "@vmcslab/runtime/clock";
import { startProgress } from "../output/progress.js";
import { interruptible } from "../output/signals.js";
import { hasColour } from "../output/terminal.js";
import { exploreDocument, formatExplored } from "../report/explore.js";
import { formatFinding } from "../report/finding.js";
import { formatMutants, mutantList } from "../report/mutants.js";
import type { ExploreFlags } from "./explore.js";
import { wholeNumber } from "./service-flags.js";

const DEFAULT_SEEDS = 1_000;
const JOBS_MAX = 256;
/** No drawn operation is asked for later, ns. */
const LAST_OPERATION_NS = 80_000_000;

/** Searches, and says as an exit code whether a rule is violated. */
export async function exploreCommand(experiment: string | undefined, flags: ExploreFlags): Promise<number> {
  const colour = hasColour(process.stdout, process.env);
  if (flags.listMutants === true) {
    process.stdout.write(flags.json === true ? `${JSON.stringify(mutantList())}\n` : formatMutants(colour));
    return 0;
  }
  return await interruptible((signal) => search(experiment, flags, colour, signal));
}

async function search(
  experiment: string | undefined,
  flags: ExploreFlags,
  colour: boolean,
  signal: AbortSignal,
): Promise<number> {
  const limits = limitsOf(flags);
  const loaded = experiment === undefined ? undefined : await loadExperiment(experiment);
  const setup = await setupOf(loaded, flags.mutant ?? null);
  await checkFolder(flags.out);
  if (flags.quiet !== true) for (const line of notesOn(setup)) process.stderr.write(`${line}\n`);
  let progress: ExploreProgress = { seeds: 0, violations: 0 };
  const shown = startProgress(() => describe(progress), flags.quiet === true, process.env);
  try {
    const explored = await explore({
      ...limits,
      setup,
      keepsGoing: flags.keepGoing === true,
      clock: systemClock,
      signal,
      onProgress: (now) => {
        progress = now;
        // Shrinking leaves the timer of the line no time.
        if (now.shrinking !== undefined && flags.quiet !== true) process.stderr.write(`${describe(now)}\n`);
      },
    });
    shown.stop();
    const files = new Map<Finding, string>();
    for (const finding of explored.findings) files.set(finding, await write(finding, flags, experiment));
    process.stdout.write(
      flags.json === true
        ? `${JSON.stringify(exploreDocument(explored, setup))}\n`
        : [...files].map(([finding, file]) => formatFinding(finding, file, colour)).join("") +
            formatExplored(explored, setup, colour),
    );
    return explored.report.violations.length > 0 ? 1 : 0;
  } finally {
    shown.stop();
  }
}

function limitsOf(flags: ExploreFlags): { from: number; count: number; jobs: number; timeNs?: number } {
  // Nobody searches for metres, and 10m is what people write.
  const timeNs = flags.time === undefined ? undefined : parseDurationNs(flags.time.replace(/(\d)m$/, "$1min"));
  if (flags.time !== undefined && (timeNs === undefined || timeNs <= 0))
    throw new UsageError(`--time: "${flags.time}" is not a duration; write 30s or 10m`);
  const from = wholeNumber(flags.from, "--from");
  const most = flags.time === undefined ? DEFAULT_SEEDS : Number.MAX_SAFE_INTEGER - from;
  const count = flags.seeds === undefined ? most : wholeNumber(flags.seeds, "--seeds");
  if (count < 1) throw new UsageError("--seeds: must be 1 or more");
  const jobs = flags.jobs === undefined ? availableParallelism() : wholeNumber(flags.jobs, "--jobs");
  if (jobs < 1 || jobs > JOBS_MAX) throw new UsageError(`--jobs: must be a whole number from 1 to ${JOBS_MAX}`);
  return { from, count, jobs, ...(timeNs === undefined ? {} : { timeNs }) };
}

/** Before the search, not after it. */
async function checkFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch(() => undefined);
  if (found?.isDirectory() !== true) throw new UsageError(`--out: ${folder} is not a folder`);
}

/** A fault that no run lives to see would look like one that does no harm. */
function notesOn({ scope }: ExploreSetup): string[] {
  const late = (scope.faults ?? []).filter(({ at = 0 }) => at > LAST_OPERATION_NS).length;
  if (late === 0) return [];
  return [
    `note: ${late} of the experiment's faults begin after 80ms; the runs of explore end earlier, so those are never injected`,
  ];
}

function describe({ seeds, violations, shrinking }: ExploreProgress): string {
  if (shrinking !== undefined) return `seed ${shrinking.seed} violates ${shrinking.rule}: shrinking it`;
  return `${seeds} seeds, ${violations === 0 ? "no violation" : `${violations} violations`}`;
}

async function write(
  { seed, file: plan }: Finding,
  flags: ExploreFlags,
  experiment: string | undefined,
): Promise<string> {
  const name = `explore-${flags.mutant ?? "true"}-${seed}.json`;
  const file = flags.out === "." ? name : join(flags.out, name);
  await writePlanFile(file, plan);
  if (experiment !== undefined && flags.quiet !== true)
    process.stderr.write(`${file} holds what it needs of ${experiment}\n`);
  return file;
}
