/** Runs an experiment that is read and checked, and prints its result. */
import { exitCodeOf, type LoadedExperiment, type RunProgress, runExperiment, simulationAdvice } from "@vmcslab/lab";
import { systemClock } from "@vmcslab/runtime";
import { startProgress } from "../output/progress.js";
import { hasColour } from "../output/terminal.js";
import { formatResult } from "../report/result.js";
import type { RunFlags } from "./run.js";
import type { CommandAgain } from "./run-action.js";
import { describeProgress, note, runEnvironment, STARTING, seedOf, weakenedNotes } from "./run-environment.js";
import { chooseTarget } from "./run-target.js";

/** Says as an exit code how the run ended. */
export async function runLoaded(
  { experiment }: LoadedExperiment,
  flags: RunFlags,
  commandAgain: CommandAgain,
  signal: AbortSignal,
): Promise<number> {
  const seed = seedOf(experiment);
  const again = commandAgain(seed);
  const launch = await chooseTarget(flags, experiment, seed, signal);
  const environment = runEnvironment(flags);
  if (flags.quiet !== true) note(`experiment ${experiment.name}, seed ${seed}; again: ${again}`);
  let progress: RunProgress = STARTING;
  const shown = startProgress(() => describeProgress(progress), flags.quiet === true, process.env);
  try {
    const result = await runExperiment({
      ...environment,
      ...{ experiment, seed, again, launch, signal, clock: systemClock },
      onNotes: (notes) => {
        const advice = flags.simulate === true ? simulationAdvice(experiment) : [];
        const lines = [...weakenedNotes(environment), ...notes, ...advice];
        if (flags.quiet !== true) for (const line of lines) note(line);
      },
      onProgress: (now) => {
        progress = now;
      },
    });
    shown.stop();
    process.stdout.write(
      flags.json === true
        ? `${JSON.stringify(result, null, 2)}\n`
        : formatResult(result, hasColour(process.stdout, process.env)),
    );
    return exitCodeOf(
      result.verdict,
      result.thresholds.every(({ met }) => met),
    );
  } finally {
    shown.stop();
  }
}
