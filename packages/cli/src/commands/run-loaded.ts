/** Runs an experiment that is read and checked, and prints its result. */
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import {
  attachToHost,
  exitCodeOf,
  type LoadedExperiment,
  launchEmbedded,
  type RunProgress,
  runExperiment,
} from "@vmcslab/lab";
import { randomBits32, systemClock } from "@vmcslab/runtime";
import { startProgress } from "../output/progress.js";
import { hasColour } from "../output/terminal.js";
import { formatResult } from "../report/result.js";
import type { RunFlags } from "./run.js";
import { attachOptions } from "./run-attach.js";
import { logLevel, natsUrl } from "./settings.js";

/** The command itself: services are started as `vmcslab cpu`, `vmcslab l0`, `vmcslab trace`. */
const BIN = fileURLToPath(new URL("../../bin/vmcslab.js", import.meta.url));

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
  let progress: RunProgress = { phase: "starting", operations: () => 0 };
  const attach = attachOptions(flags);
  const url = natsUrl(flags.nats, process.env);
  const level = logLevel(process.env) ?? "warn";
  if (flags.quiet !== true) note(`experiment ${experiment.name}, seed ${seed}; again: ${again}`);
  const shown = startProgress(
    () => `${progress.phase}: ${progress.operations()} operations`,
    flags.quiet === true,
    process.env,
  );
  try {
    const result = await runExperiment({
      experiment,
      seed,
      runsDir: resolve(nonEmpty(flags.runsDir) ?? nonEmpty(process.env.VMCSLAB_RUNS_DIR) ?? "runs"),
      ...(url === undefined ? {} : { natsUrl: url }),
      logLevel: level,
      again,
      clock: systemClock,
      launch: (options) =>
        attach === undefined ? launchEmbedded([process.execPath, BIN], options, signal) : attachToHost(attach, options),
      signal,
      onNotes: (notes) => {
        if (flags.quiet !== true) for (const line of notes) note(line);
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

function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}

function note(line: string): void {
  process.stderr.write(`${line}\n`);
}
