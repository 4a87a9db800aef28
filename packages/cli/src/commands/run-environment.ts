/** What a run and the runs of a study take from flags and environment beside the experiment, and how they show that they go on. */
import { resolve } from "node:path";
import type { Experiment, RunOptions, RunProgress } from "@vmcslab/lab";
import { UsageError } from "@vmcslab/lab/errors";
import { randomBits32 } from "@vmcslab/runtime";
import { natsOptions } from "./nats-flags.js";
import type { RunFlags } from "./run.js";
import { logLevel } from "./settings.js";
import { safeguardTakenAway } from "./without-safeguard.js";

export type RunEnvironment = Pick<RunOptions, "runsDir" | "natsUrl" | "natsLogin" | "logLevel" | "without">;

/** Throws UsageError for what does not go together. */
export function runEnvironment(flags: RunFlags): RunEnvironment {
  const without = safeguardOf(flags);
  return {
    runsDir: resolve(nonEmpty(flags.runsDir) ?? nonEmpty(process.env.VMCSLAB_RUNS_DIR) ?? "runs"),
    ...(without === undefined ? {} : { without }),
    ...natsOptions(flags.nats, process.env),
    logLevel: logLevel(process.env) ?? "warn",
  };
}

/** That of the file, or one that is drawn. */
export function seedOf({ seed }: Experiment): number {
  return seed === "auto" ? randomBits32() : seed;
}

export function weakenedNotes({ without }: RunEnvironment): string[] {
  return without === undefined ? [] : [`the host goes without a safeguard: ${without}`];
}

/** Before anything is known of a run. */
export const STARTING: RunProgress = { phase: "starting", operations: () => 0, virtualNs: () => undefined };

export function describeProgress({ phase, operations, virtualNs }: RunProgress): string {
  const ns = virtualNs();
  const passed = ns === undefined ? "" : `, ${(ns / 1e6).toFixed(1)} ms of virtual time`;
  return `${phase}: ${operations()} operations${passed}`;
}

export function note(line: string): void {
  process.stderr.write(`${line}\n`);
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

function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}
