/** Runs an experiment that is read and checked, and prints its result. */
import { resolve } from "node:path";
import { exitCodeOf, type LoadedExperiment, type RunProgress, runExperiment, simulationAdvice } from "@vmcslab/lab";
import { UsageError } from "@vmcslab/lab/errors";
import { randomBits32, systemClock } from "@vmcslab/runtime";
import { startProgress } from "../output/progress.js";
import { hasColour } from "../output/terminal.js";
import { formatResult } from "../report/result.js";
import { natsOptions } from "./nats-flags.js";
import type { RunFlags } from "./run.js";
import { chooseTarget } from "./run-target.js";
import { logLevel } from "./settings.js";
import { safeguardTakenAway } from "./without-safeguard.js";

/** Says as an exit code how the run ended. `commandAgain`: a command that makes the same run. */
export async function runLoaded(
  loaded: LoadedExperiment,
  flags: RunFlags,
  commandAgain: (seed: number) => string,
  signal: AbortSignal,
): Promise<number> {
  const { experiment } = loaded;
  const seed = experiment.seed === "auto" ? randomBits32() : experiment.seed;
  const again = commandAgain(seed);
  return await runOnce(loaded, flags, seed, again, signal);
}

async function runOnce(
  { experiment }: LoadedExperiment,
  flags: RunFlags,
  seed: number,
  again: string,
  signal: AbortSignal,
): Promise<number> {
  let progress: RunProgress = { phase: "starting", operations: () => 0, virtualNs: () => undefined };
  const launch = await chooseTarget(flags, experiment, seed, signal);
  const without = safeguardOf(flags);
  const nats = natsOptions(flags.nats, process.env);
  const level = logLevel(process.env) ?? "warn";
  if (flags.quiet !== true) note(`experiment ${experiment.name}, seed ${seed}; again: ${again}`);
  const shown = startProgress(() => describeProgress(progress), flags.quiet === true, process.env);
  try {
    const result = await runExperiment({
      experiment,
      seed,
      runsDir: resolve(nonEmpty(flags.runsDir) ?? nonEmpty(process.env.VMCSLAB_RUNS_DIR) ?? "runs"),
      ...(without === undefined ? {} : { without }),
      ...nats,
      logLevel: level,
      again,
      clock: systemClock,
      launch,
      signal,
      onNotes: (notes) => {
        const advice = flags.simulate === true ? simulationAdvice(experiment) : [];
        const weakened = without === undefined ? [] : [`the host goes without a safeguard: ${without}`];
        if (flags.quiet !== true) for (const line of [...weakened, ...notes, ...advice]) note(line);
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

/** Only the services that we start ourselves go without it. */
function safeguardOf({ simulate, attach, compose }: RunFlags): string | undefined {
  const without = safeguardTakenAway(process.env);
  if (without === undefined) return undefined;
  if (simulate === true)
    throw new UsageError(
      "VMCSLAB_WITHOUT is for hosts of processes; mistakes of a simulated one are the mutants of `vmcslab explore`",
    );
  if (compose !== undefined || (attach ?? process.env.VMCSLAB_ATTACH ?? "") !== "")
    throw new UsageError(
      `VMCSLAB_WITHOUT is for a host that \`vmcslab run\` starts: leave out ${compose === undefined ? "--attach" : "--compose"}, or unset it`,
    );
  return without;
}

function describeProgress({ phase, operations, virtualNs }: RunProgress): string {
  const ns = virtualNs();
  const passed = ns === undefined ? "" : `, ${(ns / 1e6).toFixed(1)} ms of virtual time`;
  return `${phase}: ${operations()} operations${passed}`;
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}

function note(line: string): void {
  process.stderr.write(`${line}\n`);
}
