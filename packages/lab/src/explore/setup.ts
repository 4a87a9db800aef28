/** What every run of a search has in common, in a form that can be sent to a worker. */
import { type ExploreScope, MUTANTS, type Mutant, mutantNamed } from "@vmcslab/sim";
import { CPU_MODELS, type CpuModel, DEFAULT_CPU_MODEL } from "@vmcslab/vmx";
import { UsageError } from "../errors.js";
import { readFaults } from "../experiment/faults.js";
import type { LoadedExperiment } from "../experiment/load.js";
import { nanoseconds } from "../experiment/units.js";
import { didYouMean } from "../text/suggest.js";

export interface ExploreSetup {
  /** null: the true design. */
  readonly mutant: string | null;
  readonly cpuModel: string;
  readonly scope: ExploreScope;
}

/** What an experiment file says itself; its defaults are drawn. Throws what reading measured delays throws. */
export async function setupOf(loaded: LoadedExperiment | undefined, mutant: string | null): Promise<ExploreSetup> {
  mutantCalled(mutant);
  if (loaded === undefined) return { mutant, cpuModel: DEFAULT_CPU_MODEL, scope: {} };
  const { experiment, originOf } = loaded;
  const { cpus, poolSize, lostCpu, lease, cpuModel = DEFAULT_CPU_MODEL } = experiment.machine;
  const { design: vmcs02, preparation, clearing } = experiment.machine;
  const isGiven = (...path: string[]): boolean => originOf(path) !== "default";
  return {
    mutant,
    cpuModel,
    scope: {
      ...(isGiven("machine", "cpus") ? { cpus } : {}),
      ...(isGiven("machine", "poolSize") ? { poolSize } : {}),
      ...(isGiven("machine", "lostCpu") ? { policy: lostCpu } : {}),
      ...(isGiven("machine", "lease") ? { leaseNs: nanoseconds(lease) } : {}),
      ...(isGiven("machine", "design") ? { vmcs02 } : {}),
      ...(isGiven("machine", "preparation") ? { preparation } : {}),
      ...(isGiven("machine", "clearing") ? { clearing } : {}),
      // A fault names its CPUs, so their number is not drawn either.
      ...(isGiven("faults") ? { cpus, faults: await readFaults(experiment) } : {}),
    },
  };
}

/** Throws UsageError with the one that was probably meant. */
export function mutantCalled(name: string | null): Mutant | undefined {
  if (name === null) return undefined;
  const mutant = mutantNamed(name);
  if (mutant !== undefined) return mutant;
  const names = MUTANTS.map((known) => known.name);
  throw new UsageError(
    `there is no mutant "${name}"${didYouMean(name, names)}; \`vmcslab explore --list-mutants\` lists them`,
  );
}

export function cpuModelCalled(name: string): CpuModel {
  const model = CPU_MODELS[name];
  if (model !== undefined) return model;
  throw new UsageError(
    `there is no CPU model "${name}"${didYouMean(name, Object.keys(CPU_MODELS))}; \`vmcslab models\` lists them`,
  );
}
