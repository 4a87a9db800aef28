import { type ControlCapability, type CpuModel, FIELDS, FieldAccess, fieldIndex } from "@vmcslab/vmx";
import { VMCS12_REVISION } from "../l1/vmcs12.js";

type ControlField = "pin" | "primary" | "secondary" | "exit" | "entry";

/** A control field with the wanted bits as far as the processor has them, and the bits that it insists on (SDM A.3). */
export function controlsFor(model: CpuModel, field: ControlField, wanted: number): number {
  const { mustBeOne, mayBeOne } = capabilityOf(model, field);
  return (((wanted | mustBeOne) & mayBeOne) | mustBeOne) >>> 0;
}

export function supportsField(model: CpuModel, encoding: number): boolean {
  return (model.fieldAccess[fieldIndex(encoding)] ?? 0) !== 0;
}

/** Every field that VMWRITE takes. */
export function writableEncodings(model: CpuModel): number[] {
  return FIELDS.filter(({ index }) => model.fieldAccess[index] === FieldAccess.writable).map(
    ({ encoding }) => encoding,
  );
}

/** What L0 emulates for L1, by control field. The rest is not offered, so a vmcs12 that asks for it fails with error 7. */
const OFFERED: Readonly<Record<ControlField, number>> = {
  // External-interrupt exiting, NMI exiting, virtual NMIs.
  pin: bits(0, 3, 5),
  // Everything but TPR shadow (21) and the monitor trap flag (27).
  primary: bits(2, 3, 7, 9, 10, 11, 12, 15, 16, 19, 20, 22, 23, 24, 25, 28, 29, 30, 31),
  // EPT, descriptor-table exiting, RDTSCP, VPID, WBINVD exiting, unrestricted guest, INVPCID.
  secondary: bits(1, 2, 3, 5, 6, 7, 12),
  // Save debug controls, 64-bit host, acknowledge interrupt, save and load PAT and EFER.
  exit: bits(2, 9, 15, 18, 19, 20, 21),
  // Load debug controls, 64-bit guest, load PAT and EFER.
  entry: bits(2, 9, 14, 15),
};

const l1Models = new WeakMap<CpuModel, CpuModel>();

/** The processor that L1 believes to run on: L0's own, cut to what L0 emulates, with KVM's software format as its VMCS (nested_vmx_setup_ctls_msrs). */
export function l1Model(model: CpuModel): CpuModel {
  const known = l1Models.get(model);
  if (known !== undefined) return known;
  const offered = (field: ControlField): ControlCapability => {
    const { mustBeOne, mayBeOne } = capabilityOf(model, field);
    return { mustBeOne, mayBeOne: ((mayBeOne & OFFERED[field]) | mustBeOne) >>> 0 };
  };
  const made: CpuModel = {
    ...model,
    name: `${model.name} as L1 sees it`,
    revision: VMCS12_REVISION,
    pinBased: offered("pin"),
    primary: offered("primary"),
    secondary: offered("secondary"),
    exit: offered("exit"),
    entry: offered("entry"),
    vmcsShadowing: false,
  };
  l1Models.set(model, made);
  return made;
}

function capabilityOf(model: CpuModel, field: ControlField): ControlCapability {
  return field === "pin" ? model.pinBased : model[field];
}

function bits(...numbers: number[]): number {
  return numbers.reduce((mask, bit) => mask | (1 << bit), 0) >>> 0;
}
