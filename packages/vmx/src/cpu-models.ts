/**
 * Four models, as data. The MSR values are those that Bochs 2.7 gives for the CPU models of these names; which fields
 * each supports was read from it too, field by field.
 */
import { type CpuFeature, type CpuModel, cpuModel } from "./cpu-model.js";

const MISSING_IN_TIGER_LAKE: readonly CpuFeature[] = ["postedInterrupts", "encls", "mpx", "processorTrace"];
const MISSING_IN_HASWELL: readonly CpuFeature[] = [
  "pageModificationLog",
  "xsaves",
  "subPagePermission",
  "tscScaling",
  "controlFlowEnforcement",
  ...MISSING_IN_TIGER_LAKE,
];
const MISSING_IN_SANDY_BRIDGE: readonly CpuFeature[] = [
  "pauseLoopExiting",
  "virtualInterrupts",
  "vmFunctions",
  "vmcsShadowing",
  ...MISSING_IN_HASWELL,
];
const MISSING_IN_PENRYN: readonly CpuFeature[] = [
  "vpid",
  "ept",
  "pat",
  "efer",
  "preemptionTimer",
  ...MISSING_IN_SANDY_BRIDGE,
];

const MODELS: readonly CpuModel[] = [
  cpuModel({
    name: "core2_penryn_t9600",
    physicalAddressWidth: 40,
    msrs: {
      1152: 0xd810000000002bn, // IA32_VMX_BASIC
      1153: 0x3f00000016n, // IA32_VMX_PINBASED_CTLS
      1154: 0xf7f9fffe0401e172n, // IA32_VMX_PROCBASED_CTLS
      1155: 0x3ffff00036dffn, // IA32_VMX_EXIT_CTLS
      1156: 0x3fff000011ffn, // IA32_VMX_ENTRY_CTLS
      1157: 0x401e0n, // IA32_VMX_MISC
      1158: 0x80000021n, // IA32_VMX_CR0_FIXED0
      1159: 0xffffffffn, // IA32_VMX_CR0_FIXED1
      1160: 0x2000n, // IA32_VMX_CR4_FIXED0
      1161: 0x467ffn, // IA32_VMX_CR4_FIXED1
      1162: 0x34n, // IA32_VMX_VMCS_ENUM
      1163: 0x4100000000n, // IA32_VMX_PROCBASED_CTLS2
      1165: 0x3f00000016n, // IA32_VMX_TRUE_PINBASED_CTLS
      1166: 0xf7f9fffe04006172n, // IA32_VMX_TRUE_PROCBASED_CTLS
      1167: 0x3ffff00036dfbn, // IA32_VMX_TRUE_EXIT_CTLS
      1168: 0x3fff000011fbn, // IA32_VMX_TRUE_ENTRY_CTLS
    },
    lacks: MISSING_IN_PENRYN,
  }),
  cpuModel({
    name: "corei7_sandy_bridge_2600k",
    physicalAddressWidth: 40,
    msrs: {
      1152: 0xd810000000002bn, // IA32_VMX_BASIC
      1153: 0x7f00000016n, // IA32_VMX_PINBASED_CTLS
      1154: 0xf7f9fffe0401e172n, // IA32_VMX_PROCBASED_CTLS
      1155: 0x7fffff00036dffn, // IA32_VMX_EXIT_CTLS
      1156: 0xffff000011ffn, // IA32_VMX_ENTRY_CTLS
      1157: 0x401e0n, // IA32_VMX_MISC
      1158: 0x80000021n, // IA32_VMX_CR0_FIXED0
      1159: 0xffffffffn, // IA32_VMX_CR0_FIXED1
      1160: 0x2000n, // IA32_VMX_CR4_FIXED0
      1161: 0x627ffn, // IA32_VMX_CR4_FIXED1
      1162: 0x34n, // IA32_VMX_VMCS_ENUM
      1163: 0xff00000000n, // IA32_VMX_PROCBASED_CTLS2
      1164: 0xf0106114141n, // IA32_VMX_EPT_VPID_CAP
      1165: 0x7f00000016n, // IA32_VMX_TRUE_PINBASED_CTLS
      1166: 0xf7f9fffe04006172n, // IA32_VMX_TRUE_PROCBASED_CTLS
      1167: 0x7fffff00036dfbn, // IA32_VMX_TRUE_EXIT_CTLS
      1168: 0xffff000011fbn, // IA32_VMX_TRUE_ENTRY_CTLS
    },
    lacks: MISSING_IN_SANDY_BRIDGE,
  }),
  cpuModel({
    name: "corei7_haswell_4770",
    physicalAddressWidth: 40,
    msrs: {
      1152: 0xd810000000002bn, // IA32_VMX_BASIC
      1153: 0x7f00000016n, // IA32_VMX_PINBASED_CTLS
      1154: 0xf7f9fffe0401e172n, // IA32_VMX_PROCBASED_CTLS
      1155: 0x7fffff00036dffn, // IA32_VMX_EXIT_CTLS
      1156: 0xffff000011ffn, // IA32_VMX_ENTRY_CTLS
      1157: 0x200401e0n, // IA32_VMX_MISC
      1158: 0x80000021n, // IA32_VMX_CR0_FIXED0
      1159: 0xffffffffn, // IA32_VMX_CR0_FIXED1
      1160: 0x2000n, // IA32_VMX_CR4_FIXED0
      1161: 0x1727ffn, // IA32_VMX_CR4_FIXED1
      1162: 0x34n, // IA32_VMX_VMCS_ENUM
      1163: 0x47fff00000000n, // IA32_VMX_PROCBASED_CTLS2
      1164: 0xf0106334141n, // IA32_VMX_EPT_VPID_CAP
      1165: 0x7f00000016n, // IA32_VMX_TRUE_PINBASED_CTLS
      1166: 0xf7f9fffe04006172n, // IA32_VMX_TRUE_PROCBASED_CTLS
      1167: 0x7fffff00036dfbn, // IA32_VMX_TRUE_EXIT_CTLS
      1168: 0xffff000011fbn, // IA32_VMX_TRUE_ENTRY_CTLS
      1169: 0x1n, // IA32_VMX_VMFUNC
    },
    lacks: MISSING_IN_HASWELL,
  }),
  cpuModel({
    name: "tigerlake",
    physicalAddressWidth: 40,
    msrs: {
      1152: 0x1d8100000000004n, // IA32_VMX_BASIC
      1153: 0x7f00000016n, // IA32_VMX_PINBASED_CTLS
      1154: 0xfff9fffe0401e172n, // IA32_VMX_PROCBASED_CTLS
      1155: 0x107fffff00036dffn, // IA32_VMX_EXIT_CTLS
      1156: 0x10ffff000011ffn, // IA32_VMX_ENTRY_CTLS
      1157: 0x600401e0n, // IA32_VMX_MISC
      1158: 0x80000021n, // IA32_VMX_CR0_FIXED0
      1159: 0xffffffffn, // IA32_VMX_CR0_FIXED1
      1160: 0x2000n, // IA32_VMX_CR4_FIXED0
      1161: 0xf72fffn, // IA32_VMX_CR4_FIXED1
      1162: 0x34n, // IA32_VMX_VMCS_ENUM
      1163: 0x2977fff00000000n, // IA32_VMX_PROCBASED_CTLS2
      1164: 0xf0106b34141n, // IA32_VMX_EPT_VPID_CAP
      1165: 0x7f00000016n, // IA32_VMX_TRUE_PINBASED_CTLS
      1166: 0xfff9fffe04006172n, // IA32_VMX_TRUE_PROCBASED_CTLS
      1167: 0x107fffff00036dfbn, // IA32_VMX_TRUE_EXIT_CTLS
      1168: 0x10ffff000011fbn, // IA32_VMX_TRUE_ENTRY_CTLS
      1169: 0x1n, // IA32_VMX_VMFUNC
    },
    lacks: MISSING_IN_TIGER_LAKE,
  }),
];

export const CPU_MODELS: Readonly<Record<string, CpuModel>> = Object.fromEntries(
  MODELS.map((model) => [model.name, model]),
);

export const DEFAULT_CPU_MODEL = "corei7_sandy_bridge_2600k";

/** The model of that name; undefined when there is none. */
export function cpuModelNamed(name: string): CpuModel | undefined {
  return Object.hasOwn(CPU_MODELS, name) ? CPU_MODELS[name] : undefined;
}
