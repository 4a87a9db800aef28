/** Runs an experiment in virtual time into a folder of its own. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CostModel } from "@vmcslab/sim";
import { costModelNamed } from "@vmcslab/sim";
import { readFaults } from "../src/experiment/faults.js";
import type { Experiment } from "../src/experiment/schema.js";
import type { RunResult } from "../src/run/result.js";
import { runExperiment } from "../src/run/run-experiment.js";
import { launchSimulated } from "../src/target/simulated/launch.js";

/** A folder for runs, and how to remove it. */
export function runsFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "vmcslab-simulated-"));
  return { path, remove: () => rmSync(path, { recursive: true }) };
}

export function defaultCosts(): CostModel {
  const model = costModelNamed("default");
  if (model === undefined) throw new Error("the default cost model is not there");
  return model;
}

/** `startedUs`: what the machine's clock says; a simulation has no other use for it. */
export async function simulate(
  experiment: Experiment,
  seed: number,
  runsDir: string,
  startedUs = 0,
): Promise<RunResult> {
  const faults = await readFaults(experiment);
  return await runExperiment({
    experiment,
    seed,
    runsDir,
    logLevel: "warn",
    again: "again",
    clock: {
      wallUs: () => startedUs,
      monoNs: () => {
        throw new Error("a simulated run asked for the machine's time");
      },
      after: () => {
        throw new Error("a simulated run starts a timer of the machine");
      },
      sleep: () => Promise.reject(new Error("a simulated run waits for the machine")),
    },
    launch: (options) => launchSimulated(options, { faults, seed, costModel: defaultCosts() }),
    signal: new AbortController().signal,
    onNotes: () => undefined,
    onProgress: () => undefined,
  });
}
