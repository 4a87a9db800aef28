/** Runs an experiment file with a matrix or repetitions, and prints the study's summary. */
import {
  EXIT_CODES,
  exitCodeOf,
  type LoadedExperiment,
  type RunProgress,
  runExperiment,
  simulationAdvice,
} from "@vmcslab/lab";
import { refuseFaults } from "@vmcslab/lab/experiment";
import {
  checkWorkloads,
  planStudy,
  runStudy,
  type ScheduledRun,
  type StudyPace,
  type StudyPlan,
  type StudySummary,
  studyVerdict,
  WAY_PATH,
  type Way,
} from "@vmcslab/lab/study";
import { systemClock } from "@vmcslab/runtime";
import { startProgress } from "../output/progress.js";
import { hasColour } from "../output/terminal.js";
import { formatStudy } from "../report/study.js";
import type { RunFlags } from "./run.js";
import type { CommandAgain } from "./run-action.js";
import { describeProgress, note, runEnvironment, STARTING, seedOf, weakenedNotes } from "./run-environment.js";
import { chooseTarget } from "./run-target.js";

/** Says as an exit code how the worst of the runs ended. */
export async function runStudyCommand(
  loaded: LoadedExperiment,
  flags: RunFlags,
  commandAgain: CommandAgain,
  signal: AbortSignal,
): Promise<number> {
  const plan = planStudy(loaded, flags.simulate === true ? "simulated" : "processes");
  if (plan === undefined) throw new Error("an experiment without matrix and repetitions is no study");
  const environment = runEnvironment(flags);
  await checkCells(plan, flags, signal);
  const seed = seedOf(loaded.experiment);
  const again = commandAgain(seed);
  const say = (line: string): void => {
    if (flags.quiet !== true) note(line);
  };
  const runs = plan.cells.length * plan.repetitions;
  say(`study ${loaded.experiment.name}, seed ${seed}: ${plan.cells.length} cells, ${runs} runs; again: ${again}`);
  for (const line of [...weakenedNotes(environment), ...adviceOf(plan)]) say(line);
  let progress: RunProgress = STARTING;
  let pace: (StudyPace & { readonly run: ScheduledRun }) | undefined;
  const describe = () => (pace === undefined ? "starting" : `${describePace(pace)}: ${describeProgress(progress)}`);
  const shown = startProgress(describe, flags.quiet === true, process.env);
  try {
    const summary = await runStudy({
      ...{ plan, experiment: loaded.experiment, seed, again, signal, clock: systemClock },
      runsDir: environment.runsDir,
      run: async (scheduled, folderPath) => {
        progress = STARTING;
        const { cell } = scheduled;
        const { experiment } = cell.loaded;
        return await runExperiment({
          ...environment,
          ...{ experiment, seed: scheduled.seed, folderPath, signal, clock: systemClock },
          again: commandAgain(scheduled.seed, partOf(scheduled, plan)),
          launch: await chooseTarget(flagsOf(flags, cell.way), experiment, scheduled.seed, signal),
          onNotes: () => {},
          onProgress: (now) => {
            progress = now;
          },
        });
      },
      onProgress: (now) => {
        pace = now;
      },
      onMissing: ({ cell, repetition, why }) => say(`${cell}, repetition ${repetition}: not run: ${why}`),
    });
    shown.stop();
    process.stdout.write(
      flags.json === true
        ? `${JSON.stringify(summary, null, 2)}\n`
        : formatStudy(summary, hasColour(process.stdout, process.env)),
    );
    return exitCodeOfStudy(summary);
  } finally {
    shown.stop();
  }
}

/** Everything that can be known to be wrong, before the first run. */
async function checkCells(plan: StudyPlan, flags: RunFlags, signal: AbortSignal): Promise<void> {
  for (const { way, loaded } of plan.cells) {
    if (way === "processes") await refuseFaults(loaded);
    await chooseTarget(flagsOf(flags, way), loaded.experiment, 0, signal);
  }
  await checkWorkloads(plan);
}

/** A cell of processes has no use for a cost model, if others are simulated. */
function flagsOf(flags: RunFlags, way: Way): RunFlags {
  const { simulate: _, costModel, ...common } = flags;
  if (way === "processes") return common;
  return { ...common, simulate: true, ...(costModel === undefined ? {} : { costModel }) };
}

function adviceOf({ cells }: StudyPlan): string[] {
  const simulated = cells.filter(({ way }) => way === "simulated");
  return [...new Set(simulated.flatMap(({ loaded }) => simulationAdvice(loaded.experiment)))];
}

/** What makes one run of a study an ordinary run. */
function partOf({ cell }: ScheduledRun, { axes }: StudyPlan): { sets: string[]; simulate: boolean } {
  const varied = Object.entries(cell.values).filter(([path]) => path !== WAY_PATH);
  const sets = varied.map(([path, value]) => `${path}=${JSON.stringify(value)}`);
  return {
    sets: [...(axes.length === 0 ? [] : ["matrix={}"]), "repetitions=1", ...sets],
    simulate: cell.way === "simulated",
  };
}

function describePace({ run, number, runs, leftMs }: StudyPace & { readonly run: ScheduledRun }): string {
  const left = leftMs();
  const time = left === undefined ? "" : `, about ${describeTime(left)} left`;
  return `run ${number} of ${runs}${time}: ${run.cell.name}, repetition ${run.repetition}`;
}

function describeTime(leftMs: number): string {
  if (leftMs < 90_000) return `${Math.ceil(leftMs / 1_000)} s`;
  return leftMs < 90 * 60_000 ? `${Math.round(leftMs / 60_000)} min` : `${(leftMs / 3_600_000).toFixed(1)} h`;
}

function exitCodeOfStudy(summary: StudySummary): number {
  const repetitions = summary.cells.flatMap((cell) => cell.repetitions);
  if (repetitions.length === 0) return EXIT_CODES.unavailable;
  return exitCodeOf(
    studyVerdict(summary),
    repetitions.every(({ thresholdsMet }) => thresholdsMet),
  );
}
