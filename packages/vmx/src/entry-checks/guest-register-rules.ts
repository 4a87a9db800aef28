/** SDM 26.3.1.1, 26.3.1.3 and 26.3.1.4: guest control and debug registers, MSRs, descriptor tables, RIP and RFLAGS. */
import { Efer, EntryControl, EventType, SecondaryControl } from "../control-bits.js";
import { Field } from "../field-encodings.js";
import { CR0_PE, CR0_PG, CR0_WP, CR4_CET, CR4_PAE, CR4_PCIDE, isWithin } from "../instructions/control-registers.js";
import { isCanonicalField, isPat, isWithinPhysicalWidth } from "./bits.js";
import type { EntryContext, EntryRule, RuleTable } from "./context.js";
import { entry, secondary } from "./controls.js";
import { injectsType } from "./exit-entry-control-rules.js";
import { EFER_DEFINED, PERF_GLOBAL_RESERVED_HIGH, PERF_GLOBAL_RESERVED_LOW } from "./host-rules.js";

const registers = "SDM 26.3.1.1";
const tables = "SDM 26.3.1.3";
const ripAndFlags = "SDM 26.3.1.4";

/** IA32_DEBUGCTL: LBR, BTF, TR, BTS, BTINT, BTS_OFF_OS, BTS_OFF_USR, and the freeze bits 11, 12, 14, 15. */
const DEBUGCTL_DEFINED = 0xdfc3;
/** IA32_BNDCFGS bits 11:2. */
const BNDCFGS_RESERVED = 0xffc;
const S_CET_RESERVED = 0x3c0;

/** RFLAGS bits 15, 5 and 3, and everything from bit 22 up, are 0; bit 1 is 1. */
const RFLAGS_RESERVED = 0xffc08028;
const RFLAGS_ALWAYS_SET = 2;
export const RFLAGS_TF = 1 << 8;
export const RFLAGS_IF = 1 << 9;
export const RFLAGS_VM = 1 << 17;

/** Bit 13 of a CS access-rights field: 64-bit code. */
const CS_LONG = 1 << 13;

export const isLongModeGuest = (context: EntryContext): boolean => entry(context, EntryControl.ia32eModeGuest);
export const isUnrestricted = (context: EntryContext): boolean =>
  secondary(context, SecondaryControl.unrestrictedGuest);
export const isVirtual8086 = (context: EntryContext): boolean => context.has(Field.GUEST_RFLAGS, RFLAGS_VM);

function isCr0Bad(context: EntryContext): boolean {
  const free = isUnrestricted(context) ? CR0_PE | CR0_PG : 0;
  const fixed0 = context.model.cr0Fixed0 & ~free;
  return (
    context.high(Field.GUEST_CR0) !== 0 || !isWithin(context.low(Field.GUEST_CR0), fixed0, context.model.cr0Fixed1)
  );
}

function isEferBad(context: EntryContext): boolean {
  const efer = context.low(Field.GUEST_IA32_EFER);
  if (context.high(Field.GUEST_IA32_EFER) !== 0 || (efer & ~EFER_DEFINED) !== 0) return true;
  const lma = (efer & Efer.lma) !== 0;
  if (lma !== isLongModeGuest(context)) return true;
  return context.has(Field.GUEST_CR0, CR0_PG) && lma !== ((efer & Efer.lme) !== 0);
}

const controlRegisters: readonly EntryRule[] = [
  { section: registers, field: "GUEST_CR0", rule: "inside IA32_VMX_CR0_FIXED0 and FIXED1", broken: isCr0Bad },
  {
    section: registers,
    field: "GUEST_CR0",
    rule: "paging needs protection",
    broken: (c) => c.has(Field.GUEST_CR0, CR0_PG) && !c.has(Field.GUEST_CR0, CR0_PE),
  },
  {
    section: registers,
    field: "GUEST_CR4",
    rule: "inside IA32_VMX_CR4_FIXED0 and FIXED1",
    broken: (c) =>
      c.high(Field.GUEST_CR4) !== 0 || !isWithin(c.low(Field.GUEST_CR4), c.model.cr4Fixed0, c.model.cr4Fixed1),
  },
  {
    section: registers,
    field: "GUEST_CR4",
    rule: "CET needs CR0.WP",
    broken: (c) => c.has(Field.GUEST_CR4, CR4_CET) && !c.has(Field.GUEST_CR0, CR0_WP),
  },
  {
    section: registers,
    field: "GUEST_CR0",
    rule: "an IA-32e-mode guest has paging and CR4.PAE",
    broken: (c) => isLongModeGuest(c) && !(c.has(Field.GUEST_CR0, CR0_PG) && c.has(Field.GUEST_CR4, CR4_PAE)),
  },
  {
    section: registers,
    field: "GUEST_CR4",
    rule: "PCIDE needs IA-32e mode",
    broken: (c) => !isLongModeGuest(c) && c.has(Field.GUEST_CR4, CR4_PCIDE),
  },
  {
    section: registers,
    field: "GUEST_CR3",
    rule: "within the physical-address width",
    broken: (c) => !isWithinPhysicalWidth(c, c.high(Field.GUEST_CR3)),
  },
];

const debugAndMsrs: readonly EntryRule[] = [
  {
    section: registers,
    field: "GUEST_IA32_DEBUGCTL",
    rule: "reserved bits are 0",
    broken: (c) =>
      entry(c, EntryControl.loadDebugControls) &&
      (c.has(Field.GUEST_IA32_DEBUGCTL, ~DEBUGCTL_DEFINED) || c.high(Field.GUEST_IA32_DEBUGCTL) !== 0),
  },
  {
    section: registers,
    field: "GUEST_DR7",
    rule: "bits 63:32 are 0",
    broken: (c) => entry(c, EntryControl.loadDebugControls) && c.high(Field.GUEST_DR7) !== 0,
  },
  {
    section: registers,
    field: "GUEST_SYSENTER_ESP",
    rule: "canonical",
    broken: (c) => !isCanonicalField(c, Field.GUEST_SYSENTER_ESP),
  },
  {
    section: registers,
    field: "GUEST_SYSENTER_EIP",
    rule: "canonical",
    broken: (c) => !isCanonicalField(c, Field.GUEST_SYSENTER_EIP),
  },
  {
    section: registers,
    field: "GUEST_IA32_PERF_GLOBAL_CTRL",
    rule: "reserved bits are 0",
    broken: (c) =>
      entry(c, EntryControl.loadPerfGlobalCtrl) &&
      (c.has(Field.GUEST_IA32_PERF_GLOBAL_CTRL, PERF_GLOBAL_RESERVED_LOW) ||
        (c.high(Field.GUEST_IA32_PERF_GLOBAL_CTRL) & PERF_GLOBAL_RESERVED_HIGH) !== 0),
  },
  {
    section: registers,
    field: "GUEST_IA32_PAT",
    rule: "each byte is a memory type",
    broken: (c) => entry(c, EntryControl.loadPat) && !isPat(c.low(Field.GUEST_IA32_PAT), c.high(Field.GUEST_IA32_PAT)),
  },
  {
    section: registers,
    field: "GUEST_IA32_EFER",
    rule: "reserved bits 0; LMA as IA-32e mode guest; LME as LMA with paging",
    broken: (c) => entry(c, EntryControl.loadEfer) && isEferBad(c),
  },
  {
    section: registers,
    field: "GUEST_BNDCFGS",
    rule: "reserved bits 0, canonical bound directory",
    broken: (c) =>
      entry(c, EntryControl.loadBndcfgs) &&
      (c.has(Field.GUEST_BNDCFGS, BNDCFGS_RESERVED) || !isCanonicalField(c, Field.GUEST_BNDCFGS)),
  },
  {
    section: registers,
    field: "GUEST_S_CET",
    rule: "canonical, reserved bits 0; the shadow-stack pointers aligned and canonical",
    broken: (c) =>
      entry(c, EntryControl.loadCet) &&
      (!isCanonicalField(c, Field.GUEST_S_CET) ||
        c.has(Field.GUEST_S_CET, S_CET_RESERVED) ||
        !isCanonicalField(c, Field.GUEST_SSP) ||
        c.has(Field.GUEST_SSP, 3) ||
        !isCanonicalField(c, Field.GUEST_INTR_SSP_TABLE)),
  },
];

type TableRegister = "GUEST_GDTR" | "GUEST_IDTR";
const tableRules = (register: TableRegister, base: number, limit: number): readonly EntryRule[] => [
  {
    section: tables,
    field: `${register}_BASE`,
    rule: "canonical",
    broken: (c) => !isCanonicalField(c, base),
  },
  {
    section: tables,
    field: `${register}_LIMIT`,
    rule: "bits 31:16 are 0",
    broken: (c) => c.low(limit) > 0xffff,
  },
];

/**
 * Bits 63:48 of RIP are alike; bit 47 may differ from them, because a jump to the hole is legal until it is fetched
 * from.
 */
function isRipBad(context: EntryContext): boolean {
  const high = context.high(Field.GUEST_RIP);
  if (!isLongModeGuest(context) || !context.has(Field.GUEST_CS_AR_BYTES, CS_LONG)) return high !== 0;
  const top = high >>> 16;
  return top !== 0 && top !== 0xffff;
}

const ripAndFlagsRules: readonly EntryRule[] = [
  { section: ripAndFlags, field: "GUEST_RIP", rule: "fits the mode of the guest's code", broken: isRipBad },
  {
    section: ripAndFlags,
    field: "GUEST_RFLAGS",
    rule: "reserved bits have their fixed values",
    broken: (c) =>
      c.high(Field.GUEST_RFLAGS) !== 0 ||
      c.has(Field.GUEST_RFLAGS, RFLAGS_RESERVED) ||
      !c.has(Field.GUEST_RFLAGS, RFLAGS_ALWAYS_SET),
  },
  {
    section: ripAndFlags,
    field: "GUEST_RFLAGS",
    rule: "virtual-8086 mode needs protection and excludes IA-32e mode",
    broken: (c) => isVirtual8086(c) && (isLongModeGuest(c) || !c.has(Field.GUEST_CR0, CR0_PE)),
  },
  {
    section: ripAndFlags,
    field: "GUEST_RFLAGS",
    rule: "IF is 1 to inject an external interrupt",
    broken: (c) => injectsType(c, EventType.externalInterrupt) && !c.has(Field.GUEST_RFLAGS, RFLAGS_IF),
  },
];

export const GUEST_REGISTER_RULES: readonly RuleTable[] = [{ rules: controlRegisters }, { rules: debugAndMsrs }];
export const GUEST_TABLE_AND_FLAG_RULES: readonly RuleTable[] = [
  { rules: tableRules("GUEST_GDTR", Field.GUEST_GDTR_BASE, Field.GUEST_GDTR_LIMIT) },
  { rules: tableRules("GUEST_IDTR", Field.GUEST_IDTR_BASE, Field.GUEST_IDTR_LIMIT) },
  { rules: ripAndFlagsRules },
];
