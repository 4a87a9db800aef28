/** For tests: changes to a valid VMCS that break the rules that few guests meet, each with the rule that it breaks first. */
import type { CpuModel } from "../cpu-model.js";
import type { FieldName } from "../field-encodings.js";
import { type Change, entry, exit, inject, model, pin, primary, withSecondary } from "./entry-cases.js";

const ANY = 0xffffffff;

/** Allows every control, so that rules on controls that no real model here has are reached too. */
export const GENEROUS_MODEL: CpuModel = {
  ...model,
  pinBased: { ...model.pinBased, mayBeOne: ANY },
  primary: { ...model.primary, mayBeOne: ANY },
  secondary: { ...model.secondary, mayBeOne: ANY },
  exit: { ...model.exit, mayBeOne: ANY },
  entry: { ...model.entry, mayBeOne: ANY },
};

/** What an earlier rule says already, because VM entry is executed in 64-bit mode here. */
export const IMPLIED: ReadonlySet<string> = new Set(["VM_ENTRY_CONTROLS: a 64-bit guest needs a 64-bit host"]);

type Case = readonly [rule: string, changes: readonly Change[]];

const HOLE = 1n << 47n;
const TPR_SHADOW = 1n << 21n;
const page = (field: FieldName, ...changes: readonly Change[]): Case => [
  `${field}: page-aligned and within the physical-address width`,
  [...changes, [field, 1n]],
];
const canonical = (field: FieldName, ...changes: readonly Change[]): Case => [
  `${field}: canonical`,
  [...changes, [field, HOLE]],
];
const usingTprShadow = (secondary: bigint): readonly Change[] => [
  ["CPU_BASED_VM_EXEC_CONTROL", primary | 0x80000000n | TPR_SHADOW],
  ["SECONDARY_VM_EXEC_CONTROL", secondary],
];
const VIRTUAL_INTERRUPTS = 1n << 9n;
const postedInterrupts: readonly Change[] = [pin(0x81n), ...usingTprShadow(VIRTUAL_INTERRUPTS), exit(1n << 15n)];

export const CONTROL_CASES: readonly Case[] = [
  page("IO_BITMAP_A", ["CPU_BASED_VM_EXEC_CONTROL", primary | (1n << 25n)]),
  page("VIRTUAL_APIC_PAGE_ADDR", ["CPU_BASED_VM_EXEC_CONTROL", primary | TPR_SHADOW]),
  page("APIC_ACCESS_ADDR", ...withSecondary(1n)),
  page("PML_ADDRESS", ...withSecondary(1n << 17n)),
  page("VMWRITE_BITMAP", ...withSecondary(1n << 14n)),
  page("VE_INFORMATION_ADDRESS", ...withSecondary(1n << 18n)),
  page("SPP_TABLE_POINTER", ...withSecondary(1n << 23n)),
  [
    "TPR_THRESHOLD: not above bits 7:4 of the virtual TPR",
    [
      ["CPU_BASED_VM_EXEC_CONTROL", primary | TPR_SHADOW],
      ["VIRTUAL_APIC_PAGE_ADDR", 0x7000n],
      ["TPR_THRESHOLD", 5n],
    ],
  ],
  [
    "SECONDARY_VM_EXEC_CONTROL: virtualizing x2APIC mode excludes virtualizing APIC accesses",
    usingTprShadow((1n << 4n) | 1n),
  ],
  [
    "SECONDARY_VM_EXEC_CONTROL: virtual-interrupt delivery needs external-interrupt exiting",
    usingTprShadow(VIRTUAL_INTERRUPTS),
  ],
  [
    "PIN_BASED_VM_EXEC_CONTROL: posted interrupts need virtual-interrupt delivery and acknowledge on exit",
    [pin(0x80n)],
  ],
  ["POSTED_INTR_NV: notification vector is 0 to 255", [...postedInterrupts, ["POSTED_INTR_NV", 0x100n]]],
  [
    "POSTED_INTR_DESC_ADDR: 64-byte aligned and within the physical-address width",
    [...postedInterrupts, ["POSTED_INTR_DESC_ADDR", 0x20n]],
  ],
  ["TSC_MULTIPLIER: not 0 with TSC scaling", withSecondary(1n << 25n)],
  ["VM_ENTRY_CONTROLS: no entry to SMM and no deactivation of the dual monitor outside SMM", [entry(1n << 10n)]],
];

const SHADOW_STACK = "canonical, reserved bits 0; the shadow-stack pointers aligned and canonical";
const CET = 0x802020n;
const nonZeroRpl = (field: FieldName): Case => [`${field}: RPL and TI are 0`, [[field, 0x13n]]];

export const HOST_CASES: readonly Case[] = [
  ["HOST_CR4: CET needs CR0.WP", [["HOST_CR4", CET]]],
  canonical("HOST_IA32_SYSENTER_ESP"),
  ["HOST_IA32_PERF_GLOBAL_CTRL: reserved bits are 0", [exit(1n << 12n), ["HOST_IA32_PERF_GLOBAL_CTRL", 0x100n]]],
  [`HOST_S_CET: ${SHADOW_STACK}`, [exit(1n << 28n), ["HOST_S_CET", 0x40n]]],
  nonZeroRpl("HOST_ES_SELECTOR"),
  nonZeroRpl("HOST_SS_SELECTOR"),
  nonZeroRpl("HOST_DS_SELECTOR"),
  nonZeroRpl("HOST_FS_SELECTOR"),
  nonZeroRpl("HOST_GS_SELECTOR"),
  ["HOST_SS_SELECTOR: not 0 for a 32-bit host", [["VM_EXIT_CONTROLS", BigInt(model.exit.mustBeOne)]]],
  canonical("HOST_FS_BASE"),
  canonical("HOST_GS_BASE"),
  canonical("HOST_TR_BASE"),
  canonical("HOST_IDTR_BASE"),
  ["HOST_CR4: PAE is 1 for a 64-bit host; PCIDE is 0 for a 32-bit one", [["HOST_CR4", 0x2000n]]],
];

/** Segments whose base, limit and rights are those of virtual-8086 mode. */
const asVirtual8086 = (...segments: readonly ("CS" | "SS" | "DS" | "ES" | "FS" | "GS")[]): readonly Change[] => [
  ["GUEST_RFLAGS", 0x20002n],
  ...segments.flatMap((segment): readonly Change[] => [
    [`GUEST_${segment}_AR_BYTES`, 0xf3n],
    [`GUEST_${segment}_LIMIT`, 0xffffn],
    [`GUEST_${segment}_BASE`, segment === "CS" ? 0x80n : 0x100n],
  ]),
];
const VIRTUAL_8086 = "base, limit and rights of virtual-8086 mode";
const DATA_SEGMENT = "a readable, accessed, present segment with consistent privilege and limit";
const USABLE_LDTR: Change = ["GUEST_LDTR_AR_BYTES", 0x82n];
const PAE_GUEST: readonly Change[] = [
  ["VM_ENTRY_CONTROLS", BigInt(model.entry.mustBeOne)],
  ["GUEST_CS_AR_BYTES", 0xc09bn],
];
const longBase = (field: FieldName): Case => [`${field}: bits 63:32 are 0`, [[field, 1n << 32n]]];
const blocked = (rule: string, bits: bigint, ...changes: readonly Change[]): Case => [
  `GUEST_INTERRUPTIBILITY_INFO: ${rule}`,
  [...changes, ["GUEST_INTERRUPTIBILITY_INFO", bits]],
];

export const GUEST_CASES: readonly Case[] = [
  ["GUEST_CR0: paging needs protection", [...withSecondary(0x82n), ["GUEST_CR0", 0x80000030n]]],
  ["GUEST_CR4: CET needs CR0.WP", [["GUEST_CR4", CET]]],
  ["GUEST_CR4: PCIDE needs IA-32e mode", [...PAE_GUEST, ["GUEST_CR4", 0x22020n]]],
  canonical("GUEST_SYSENTER_EIP"),
  ["GUEST_IA32_PERF_GLOBAL_CTRL: reserved bits are 0", [entry(1n << 13n), ["GUEST_IA32_PERF_GLOBAL_CTRL", 0x100n]]],
  ["GUEST_BNDCFGS: reserved bits 0, canonical bound directory", [entry(1n << 16n), ["GUEST_BNDCFGS", 4n]]],
  [`GUEST_S_CET: ${SHADOW_STACK}`, [entry(1n << 20n), ["GUEST_S_CET", 0x40n]]],
  ["GUEST_LDTR_SELECTOR: TI is 0 when usable", [USABLE_LDTR, ["GUEST_LDTR_SELECTOR", 4n]]],
  canonical("GUEST_TR_BASE"),
  canonical("GUEST_GS_BASE"),
  canonical("GUEST_LDTR_BASE", USABLE_LDTR),
  longBase("GUEST_SS_BASE"),
  longBase("GUEST_DS_BASE"),
  longBase("GUEST_ES_BASE"),
  [`GUEST_CS_AR_BYTES: ${VIRTUAL_8086}`, asVirtual8086()],
  [`GUEST_SS_AR_BYTES: ${VIRTUAL_8086}`, asVirtual8086("CS")],
  [`GUEST_DS_AR_BYTES: ${VIRTUAL_8086}`, asVirtual8086("CS", "SS")],
  [`GUEST_ES_AR_BYTES: ${VIRTUAL_8086}`, asVirtual8086("CS", "SS", "DS")],
  [`GUEST_FS_AR_BYTES: ${VIRTUAL_8086}`, asVirtual8086("CS", "SS", "DS", "ES")],
  [`GUEST_GS_AR_BYTES: ${VIRTUAL_8086}`, asVirtual8086("CS", "SS", "DS", "ES", "FS")],
  [`GUEST_FS_AR_BYTES: ${DATA_SEGMENT}`, [["GUEST_FS_AR_BYTES", 0xc092n]]],
  [`GUEST_GS_AR_BYTES: ${DATA_SEGMENT}`, [["GUEST_GS_AR_BYTES", 0xc092n]]],
  canonical("GUEST_GDTR_BASE"),
  ["GUEST_GDTR_LIMIT: bits 31:16 are 0", [["GUEST_GDTR_LIMIT", 0x10000n]]],
  canonical("GUEST_IDTR_BASE"),
  [
    "GUEST_RFLAGS: virtual-8086 mode needs protection and excludes IA-32e mode",
    asVirtual8086("CS", "SS", "DS", "ES", "FS", "GS"),
  ],
  [
    "GUEST_ACTIVITY_STATE: HLT needs CPL 0",
    [
      ["GUEST_CS_SELECTOR", 0xbn],
      ["GUEST_CS_AR_BYTES", 0xa0fbn],
      ["GUEST_SS_SELECTOR", 0x13n],
      ["GUEST_SS_AR_BYTES", 0xc0f3n],
      ["GUEST_ACTIVITY_STATE", 1n],
    ],
  ],
  [
    "GUEST_ACTIVITY_STATE: active while STI or MOV SS blocks",
    [
      ["GUEST_ACTIVITY_STATE", 1n],
      ["GUEST_INTERRUPTIBILITY_INFO", 2n],
    ],
  ],
  ["GUEST_ACTIVITY_STATE: compatible with the injected event", [["GUEST_ACTIVITY_STATE", 3n], inject(0x202n)]],
  ["GUEST_ACTIVITY_STATE: not wait-for-SIPI with entry to SMM", [["GUEST_ACTIVITY_STATE", 3n], entry(1n << 10n)]],
  blocked("not blocked by STI and MOV SS at once", 3n),
  blocked(
    "no blocking by STI or MOV SS when an external interrupt is injected",
    2n,
    ["GUEST_RFLAGS", 0x202n],
    inject(0x20n),
  ),
  blocked("no blocking by SMI outside SMM", 4n),
  blocked("no blocking by NMI when an NMI is injected with virtual NMIs", 8n, pin(0x28n), inject(0x202n)),
  blocked("no enclave interruption: these models have no SGX", 16n),
  [
    "GUEST_PENDING_DBG_EXCEPTIONS: BS as RFLAGS.TF and DEBUGCTL.BTF say",
    [
      ["GUEST_RFLAGS", 0x102n],
      ["GUEST_INTERRUPTIBILITY_INFO", 2n],
    ],
  ],
  [
    "GUEST_PENDING_DBG_EXCEPTIONS: a transactional debug exception comes alone, with an enabled breakpoint",
    [["GUEST_PENDING_DBG_EXCEPTIONS", 0x10000n]],
  ],
  [
    "VMCS_LINK_POINTER: names a VMCS of this revision, a shadow VMCS with VMCS shadowing",
    [["VMCS_LINK_POINTER", 0x9000n]],
  ],
  ["GUEST_CR3: reserved bits of present PDPTEs are 0", [...PAE_GUEST, ["GUEST_CR3", 0x6000n]]],
];
