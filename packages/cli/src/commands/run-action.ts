/** `vmcslab run`: reads flags, environment and file, runs, prints. */

import {
  environmentOverrides,
  environmentWarnings,
  type LoadedExperiment,
  loadExperiment,
  type Override,
  parseSetFlag,
  refuseFaults,
  settingsOf,
} from "@vmcslab/lab/experiment";
import { interruptible } from "../output/signals.js";
import type { RunFlags } from "./run.js";

/** Runs an experiment file and says as an exit code how it ended. */
export async function runCommand(file: string, flags: RunFlags): Promise<number> {
  return await interruptible((signal) => runInterruptible(file, flags, signal));
}

async function runInterruptible(file: string, flags: RunFlags, signal: AbortSignal): Promise<number> {
  for (const warning of environmentWarnings(process.env)) note(`warning: ${warning}`);
  const loaded = await loadExperiment(file, [...environmentOverrides(process.env), ...flagOverrides(flags)]);
  if (flags.printConfig === true) return printConfig(loaded);
  // A file with a matrix is judged cell by cell; without one, what no live host can do is said before anything heavy is loaded.
  if (isStudy(loaded)) {
    const { runStudyCommand } = await import("./run-study.js");
    return await runStudyCommand(loaded, flags, commandAgain(file, flags), signal);
  }
  if (flags.simulate !== true) await refuseFaults(loaded);
  // gRPC and what else a run needs is loaded only now, so that a mistake in the file is answered at once.
  const { runLoaded } = await import("./run-loaded.js");
  return await runLoaded(loaded, flags, commandAgain(file, flags), signal);
}

function isStudy({ experiment }: LoadedExperiment): boolean {
  return Object.keys(experiment.matrix).length > 0 || experiment.repetitions > 1;
}

function flagOverrides(flags: RunFlags): Override[] {
  const direct: [string | undefined, string, string][] = [
    [flags.seed, "seed", "--seed"],
    [flags.cpus, "machine.cpus", "--cpus"],
    [flags.vcpus, "machine.vcpus", "--vcpus"],
    [flags.poolSize, "machine.poolSize", "--pool-size"],
  ];
  const sets = flags.set.map((text) => parseSetFlag(text, process.cwd()));
  return [
    ...sets,
    ...direct.flatMap(([text, path, origin]) => {
      if (text === undefined) return [];
      return [{ path: path.split("."), value: /^\d+$/.test(text) ? Number(text) : text, origin }];
    }),
  ];
}

function printConfig(loaded: LoadedExperiment): number {
  const settings = settingsOf(loaded);
  const width = Math.max(...settings.map(({ path }) => path.length));
  for (const { path, value, origin } of settings)
    process.stdout.write(`${path.padEnd(width)}  ${JSON.stringify(value)}  # ${origin}\n`);
  return 0;
}

/** How to write a command to paste that does the same, or one run of a study. */
export type CommandAgain = (
  seed: number,
  part?: { readonly sets: readonly string[]; readonly simulate: boolean },
) => string;

function commandAgain(file: string, flags: RunFlags): CommandAgain {
  const direct = [
    ...(flags.cpus === undefined ? [] : ["--cpus", flags.cpus]),
    ...(flags.vcpus === undefined ? [] : ["--vcpus", flags.vcpus]),
    ...(flags.poolSize === undefined ? [] : ["--pool-size", flags.poolSize]),
  ];
  const ofProcesses = [
    ...(flags.attach === undefined ? [] : ["--attach", flags.attach]),
    ...(flags.trace === undefined ? [] : ["--trace", flags.trace]),
    ...(flags.compose === undefined ? [] : flags.compose === true ? ["--compose"] : ["--compose", flags.compose]),
    ...(flags.tlsDir === undefined ? [] : ["--tls-dir", quoted(flags.tlsDir)]),
    ...(flags.tokenFile === undefined ? [] : ["--token-file", quoted(flags.tokenFile)]),
  ];
  const costModel = flags.costModel === undefined ? [] : ["--cost-model", flags.costModel];
  return (seed, part) => {
    const sets = [...flags.set, ...(part?.sets ?? [])].flatMap((text) => ["--set", quoted(text)]);
    const simulate = part?.simulate ?? flags.simulate === true;
    const way =
      part === undefined
        ? [...ofProcesses, ...(simulate ? ["--simulate"] : []), ...costModel]
        : simulate
          ? ["--simulate", ...costModel]
          : ofProcesses;
    return ["vmcslab run", quoted(file), ...sets, ...direct, ...way, "--seed", `${seed}`].join(" ");
  };
}

function quoted(text: string): string {
  return /^[\w./=:,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function note(line: string): void {
  process.stderr.write(`${line}\n`);
}
