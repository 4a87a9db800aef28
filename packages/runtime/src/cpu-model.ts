import { CPU_MODELS, type CpuModel, cpuModelNamed } from "@vmcslab/vmx";

/** The model that a service was told to be. Throws for a name that there is not. */
export function requireCpuModel(name: string): CpuModel {
  const model = cpuModelNamed(name);
  if (model !== undefined) return model;
  throw new Error(`no CPU model ${name}: there are ${Object.keys(CPU_MODELS).join(", ")}`);
}
