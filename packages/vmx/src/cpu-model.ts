/**
 * What one model of processor can do, as software learns it: the capability MSRs (SDM appendix A) and the fields it
 * supports.
 */
import { Field, type FieldName } from "./field-encodings.js";
import { FIELD_COUNT, FIELDS, fieldIndex } from "./fields.js";

/** Bits that must be 1 and bits that may be 1 of a control field. */
export interface ControlCapability {
  readonly mustBeOne: number;
  readonly mayBeOne: number;
}

/** What VMREAD and VMWRITE may do with a field. */
export const FieldAccess = { unsupported: 0, readOnly: 1, writable: 2 } as const;

export interface CpuModel {
  readonly name: string;
  /** Bits 30:0 of the first dword of every VMCS and VMXON region. */
  readonly revision: number;
  /** Bits. */
  readonly physicalAddressWidth: number;
  /** Bits. */
  readonly linearAddressWidth: number;
  /** IA32_VMX_* by MSR number. */
  readonly msrs: ReadonlyMap<number, bigint>;
  readonly pinBased: ControlCapability;
  readonly primary: ControlCapability;
  readonly secondary: ControlCapability;
  readonly exit: ControlCapability;
  readonly entry: ControlCapability;
  /** Bits 31:0 of IA32_VMX_CR0_FIXED0 and so on. */
  readonly cr0Fixed0: number;
  readonly cr0Fixed1: number;
  readonly cr4Fixed0: number;
  readonly cr4Fixed1: number;
  /** Bits 31:0 of IA32_VMX_MISC. */
  readonly misc: number;
  /** IA32_VMX_EPT_VPID_CAP. */
  readonly eptVpidLow: number;
  readonly eptVpidHigh: number;
  /** Bits 31:0 of IA32_VMX_VMFUNC. */
  readonly vmFunctions: number;
  /** The shadow-VMCS indicator and "VMCS shadowing" exist. */
  readonly vmcsShadowing: boolean;
  /** FieldAccess by dense field index. */
  readonly fieldAccess: Uint8Array;
}

/** Fields that exist only with a feature. */
export const FEATURE_FIELDS = {
  vpid: ["VIRTUAL_PROCESSOR_ID"],
  ept: ["EPT_POINTER", "GUEST_PHYSICAL_ADDRESS", "GUEST_PDPTR0", "GUEST_PDPTR1", "GUEST_PDPTR2", "GUEST_PDPTR3"],
  pat: ["GUEST_IA32_PAT", "HOST_IA32_PAT"],
  efer: ["GUEST_IA32_EFER", "HOST_IA32_EFER"],
  preemptionTimer: ["VMX_PREEMPTION_TIMER_VALUE"],
  pauseLoopExiting: ["PLE_GAP", "PLE_WINDOW"],
  virtualInterrupts: [
    "GUEST_INTR_STATUS",
    "EOI_EXIT_BITMAP0",
    "EOI_EXIT_BITMAP1",
    "EOI_EXIT_BITMAP2",
    "EOI_EXIT_BITMAP3",
  ],
  vmFunctions: ["VM_FUNCTION_CONTROL", "EPTP_INDEX", "EPTP_LIST_ADDRESS", "VE_INFORMATION_ADDRESS"],
  vmcsShadowing: ["VMREAD_BITMAP", "VMWRITE_BITMAP"],
  pageModificationLog: ["GUEST_PML_INDEX", "PML_ADDRESS"],
  xsaves: ["XSS_EXIT_BITMAP"],
  subPagePermission: ["SPP_TABLE_POINTER"],
  tscScaling: ["TSC_MULTIPLIER"],
  controlFlowEnforcement: [
    "GUEST_S_CET",
    "GUEST_SSP",
    "GUEST_INTR_SSP_TABLE",
    "HOST_S_CET",
    "HOST_SSP",
    "HOST_INTR_SSP_TABLE",
  ],
  postedInterrupts: ["POSTED_INTR_NV", "POSTED_INTR_DESC_ADDR"],
  encls: ["ENCLS_EXITING_BITMAP"],
  mpx: ["GUEST_BNDCFGS"],
  processorTrace: ["GUEST_IA32_RTIT_CTL"],
} as const satisfies Record<string, readonly FieldName[]>;

export type CpuFeature = keyof typeof FEATURE_FIELDS;

function isFeature(name: string): name is CpuFeature {
  return Object.hasOwn(FEATURE_FIELDS, name);
}

const FEATURES: readonly CpuFeature[] = Object.keys(FEATURE_FIELDS).filter(isFeature);

/** What a model is written down as; the rest follows. */
export interface CpuModelSpec {
  readonly name: string;
  readonly physicalAddressWidth: number;
  readonly msrs: Readonly<Record<number, bigint>>;
  readonly lacks: readonly CpuFeature[];
}

const BASIC_TRUE_CONTROLS = 1n << 55n;
const MISC_VMWRITE_ANY_FIELD = 1 << 29;
const SECONDARY_VMCS_SHADOWING = 1 << 14;

export function cpuModel(spec: CpuModelSpec): CpuModel {
  const msrs = new Map(Object.entries(spec.msrs).map(([number, value]) => [Number(number), value]));
  const low = (msr: number): number => Number(BigInt.asUintN(32, msrs.get(msr) ?? 0n));
  const high = (msr: number): number => Number((msrs.get(msr) ?? 0n) >> 32n);
  const basic = msrs.get(0x480) ?? 0n;
  const hasTrue = (basic & BASIC_TRUE_CONTROLS) !== 0n;
  const control = (msr: number, trueMsr: number): ControlCapability => {
    const source = hasTrue ? trueMsr : msr;
    return { mustBeOne: low(source), mayBeOne: high(source) };
  };
  const secondary = control(0x48b, 0x48b);
  return {
    name: spec.name,
    revision: Number(basic & 0x7fffffffn),
    physicalAddressWidth: spec.physicalAddressWidth,
    linearAddressWidth: 48,
    msrs,
    pinBased: control(0x481, 0x48d),
    primary: control(0x482, 0x48e),
    secondary,
    exit: control(0x483, 0x48f),
    entry: control(0x484, 0x490),
    cr0Fixed0: low(0x486),
    cr0Fixed1: low(0x487),
    cr4Fixed0: low(0x488),
    cr4Fixed1: low(0x489),
    misc: low(0x485),
    eptVpidLow: low(0x48c),
    eptVpidHigh: high(0x48c),
    vmFunctions: low(0x491),
    vmcsShadowing: (secondary.mayBeOne & SECONDARY_VMCS_SHADOWING) !== 0,
    fieldAccess: fieldAccessOf(spec.lacks, (low(0x485) & MISC_VMWRITE_ANY_FIELD) !== 0),
  };
}

/** The features that a model has: their fields are there. */
export function featuresOf(model: CpuModel): CpuFeature[] {
  return FEATURES.filter((feature) =>
    FEATURE_FIELDS[feature].some((name) => model.fieldAccess[fieldIndex(Field[name])] !== FieldAccess.unsupported),
  );
}

function fieldAccessOf(lacks: readonly CpuFeature[], writeAnyField: boolean): Uint8Array {
  const access = new Uint8Array(FIELD_COUNT);
  for (const field of FIELDS) {
    access[field.index] = field.readOnly && !writeAnyField ? FieldAccess.readOnly : FieldAccess.writable;
  }
  for (const feature of lacks) {
    for (const name of FEATURE_FIELDS[feature]) access[fieldIndex(Field[name])] = FieldAccess.unsupported;
  }
  return access;
}
