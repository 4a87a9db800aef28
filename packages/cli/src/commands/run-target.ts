/** Which host `vmcslab run` runs on: processes of its own, one that runs already, or a simulated one. */
import { fileURLToPath } from "node:url";
import {
  attachToHost,
  type Experiment,
  launchEmbedded,
  launchSimulated,
  type RunningTarget,
  readFaults,
  type TargetOptions,
} from "@vmcslab/lab";
import { UsageError } from "@vmcslab/lab/errors";
import { COST_MODELS, type CostModel, costModelFor, costModelNamed } from "@vmcslab/sim";
import { DEFAULT_CPU_MODEL } from "@vmcslab/vmx";
import type { RunFlags } from "./run.js";
import { type AttachFlags, attachOptions } from "./run-attach.js";

/** The command itself: services are started as `vmcslab cpu`, `vmcslab l0`, `vmcslab trace`. */
const BIN = fileURLToPath(new URL("../../bin/vmcslab.js", import.meta.url));

export type Launch = (options: TargetOptions) => Promise<RunningTarget>;

type TargetFlags = Pick<RunFlags, "simulate" | "costModel" | "nats"> & AttachFlags;

/** Throws UsageError for flags that exclude each other, before anything starts. */
export async function chooseTarget(
  flags: TargetFlags,
  experiment: Experiment,
  seed: number,
  signal: AbortSignal,
): Promise<Launch> {
  if (flags.simulate === true) return await simulated(flags, experiment, seed);
  if (flags.costModel !== undefined) throw new UsageError("--cost-model goes with --simulate");
  const attach = attachOptions(flags);
  return (options) =>
    attach === undefined ? launchEmbedded([process.execPath, BIN], options, signal) : attachToHost(attach, options);
}

const OF_PROCESSES = [
  ["attach", "--attach"],
  ["trace", "--trace"],
  ["compose", "--compose"],
  ["nats", "--nats"],
  ["tlsDir", "--tls-dir"],
  ["tokenFile", "--token-file"],
] as const;

async function simulated(flags: TargetFlags, experiment: Experiment, seed: number): Promise<Launch> {
  for (const [name, flag] of OF_PROCESSES)
    if (flags[name] !== undefined)
      throw new UsageError(`${flag} goes with hosts of processes: leave out ${flag} or --simulate`);
  const { machine } = experiment;
  const costModel = chosenModel(flags.costModel, machine.cpuModel ?? DEFAULT_CPU_MODEL);
  const faults = await readFaults(experiment);
  return (options) => launchSimulated(options, { faults, seed, costModel });
}

function chosenModel(name: string | undefined, cpuModel: string): CostModel {
  if (name === undefined) return costModelFor(cpuModel);
  const model = costModelNamed(name);
  if (model !== undefined) return model;
  const names = Object.keys(COST_MODELS).join(", ");
  throw new UsageError(`--cost-model: "${name}" is not a cost model; it is one of ${names} (vmcslab costs)`);
}
