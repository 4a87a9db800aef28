import { CPU_MODELS, type CpuFeature, type CpuModel, DEFAULT_CPU_MODEL, featuresOf } from "@vmcslab/vmx";

export interface ModelDescription {
  readonly name: string;
  readonly default: boolean;
  /** The first dword of every VMXON and VMCS region, hexadecimal. */
  readonly revision: string;
  readonly physicalAddressWidth: number;
  readonly linearAddressWidth: number;
  readonly vmcsShadowing: boolean;
  /** VMCS fields that VMREAD accepts. */
  readonly fields: number;
  readonly features: readonly CpuFeature[];
  /** IA32_VMX_* by number; both hexadecimal. */
  readonly msrs: Readonly<Record<string, string>>;
}

export interface ModelsDocument {
  readonly schema: "vmcslab.models/v1";
  readonly models: readonly ModelDescription[];
}

export function modelsDocument(): ModelsDocument {
  return { schema: "vmcslab.models/v1", models: Object.values(CPU_MODELS).map(describe) };
}

function describe(model: CpuModel): ModelDescription {
  const { name, revision, physicalAddressWidth, linearAddressWidth, vmcsShadowing, fieldAccess, msrs } = model;
  return {
    name,
    default: name === DEFAULT_CPU_MODEL,
    revision: hexadecimal(revision),
    physicalAddressWidth,
    linearAddressWidth,
    vmcsShadowing,
    fields: fieldAccess.filter((access) => access !== 0).length,
    features: featuresOf(model),
    msrs: Object.fromEntries([...msrs].map(([number, value]) => [hexadecimal(number), hexadecimal(value)])),
  };
}

/** For people: a line with the name and the numbers, and the features below it. */
export function describeModels(): string {
  return modelsDocument()
    .models.map(
      (model) =>
        `${model.name}${model.default ? " (default)" : ""}\n` +
        `  revision ${model.revision}, ${model.physicalAddressWidth}-bit physical and ${model.linearAddressWidth}-bit linear addresses, ${model.fields} VMCS fields\n` +
        `  ${model.features.join(" ") || "no feature beyond the first VMX processors"}\n`,
    )
    .join("");
}

function hexadecimal(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}
