/**
 * SDM 26.3.1.5 and 26.3.1.6: activity and interruptibility, pending debug exceptions, the VMCS link pointer, and the
 * PDPTEs.
 */
import { ActivityState, EntryControl, EventType, PinControl, SecondaryControl } from "../control-bits.js";
import { Field } from "../field-encodings.js";
import { CR0_PG, CR4_PAE } from "../instructions/control-registers.js";
import { addressOf, isPhysicalAddress, isWithinPhysicalWidth } from "./bits.js";
import type { EntryContext, EntryRule, RuleTable } from "./context.js";
import { entry, pin, secondary } from "./controls.js";
import { injected, injectedVector, injectsType } from "./exit-entry-control-rules.js";
import { isLongModeGuest, RFLAGS_IF, RFLAGS_TF } from "./guest-register-rules.js";
import { guestCpl } from "./guest-segment-rules.js";

const nonRegister = "SDM 26.3.1.5";
const pdptes = "SDM 26.3.1.6";

/** Exit qualifications of entry failures (SDM 26.7). */
const Qualification = { pdpte: 2, nmiInjection: 3, linkPointer: 4 } as const;

/** IA32_VMX_MISC: bit 6 HLT, 7 shutdown, 8 wait-for-SIPI. */
const MISC_ACTIVITY_SHIFT = 5;

const BLOCKING_BY_STI = 1;
const BLOCKING_BY_MOV_SS = 2;
const BLOCKING_BY_SMI = 4;
const BLOCKING_BY_NMI = 8;
const ENCLAVE_INTERRUPTION = 16;

const VECTOR_DB = 1;
const VECTOR_MC = 18;

/** Pending debug exceptions: bits 3:0, 12, 14 and 16 exist. */
const PENDING_DEBUG_RESERVED = ~0x1500f;
const PENDING_DEBUG_BS = 1 << 14;
const PENDING_DEBUG_ENABLED_BREAKPOINT = 1 << 12;
const DEBUGCTL_BTF = 2;

const activity = (c: EntryContext): number => c.low(Field.GUEST_ACTIVITY_STATE);
const blocks = (c: EntryContext, bits: number): boolean => c.has(Field.GUEST_INTERRUPTIBILITY_INFO, bits);

function isActivityUnsupported(context: EntryContext): boolean {
  const state = activity(context);
  if (state === ActivityState.active) return false;
  return state > ActivityState.waitForSipi || ((context.model.misc >>> (MISC_ACTIVITY_SHIFT + state)) & 1) === 0;
}

/** Which events may be injected into a guest that is not active. */
function isEventImpossible(context: EntryContext): boolean {
  if (injected(context) === 0) return false;
  const vector = injectedVector(context);
  const isException = injectsType(context, EventType.hardwareException);
  switch (activity(context)) {
    case ActivityState.hlt:
      if (isException) return vector !== VECTOR_DB && vector !== VECTOR_MC;
      return !(
        injectsType(context, EventType.externalInterrupt) ||
        injectsType(context, EventType.nmi) ||
        injectsType(context, EventType.other)
      );
    case ActivityState.shutdown:
      return !(injectsType(context, EventType.nmi) || (isException && vector === VECTOR_MC));
    case ActivityState.waitForSipi:
      return true;
    default:
      return false;
  }
}

const activityRules: readonly EntryRule[] = [
  {
    section: nonRegister,
    field: "GUEST_ACTIVITY_STATE",
    rule: "supported by IA32_VMX_MISC",
    broken: isActivityUnsupported,
  },
  {
    section: nonRegister,
    field: "GUEST_ACTIVITY_STATE",
    rule: "HLT needs CPL 0",
    broken: (c) => activity(c) === ActivityState.hlt && guestCpl(c) !== 0,
  },
  {
    section: nonRegister,
    field: "GUEST_ACTIVITY_STATE",
    rule: "active while STI or MOV SS blocks",
    broken: (c) => activity(c) !== ActivityState.active && blocks(c, BLOCKING_BY_STI | BLOCKING_BY_MOV_SS),
  },
  {
    section: nonRegister,
    field: "GUEST_ACTIVITY_STATE",
    rule: "compatible with the injected event",
    broken: isEventImpossible,
  },
  {
    section: nonRegister,
    field: "GUEST_ACTIVITY_STATE",
    rule: "not wait-for-SIPI with entry to SMM",
    broken: (c) => activity(c) === ActivityState.waitForSipi && entry(c, EntryControl.entryToSmm),
  },
];

const interruptibilityRules: readonly EntryRule[] = [
  {
    section: nonRegister,
    field: "GUEST_INTERRUPTIBILITY_INFO",
    rule: "bits 31:5 are 0",
    broken: (c) => c.low(Field.GUEST_INTERRUPTIBILITY_INFO) > 0x1f,
  },
  {
    section: nonRegister,
    field: "GUEST_INTERRUPTIBILITY_INFO",
    rule: "not blocked by STI and MOV SS at once",
    broken: (c) => blocks(c, BLOCKING_BY_STI) && blocks(c, BLOCKING_BY_MOV_SS),
  },
  {
    section: nonRegister,
    field: "GUEST_INTERRUPTIBILITY_INFO",
    rule: "blocking by STI needs RFLAGS.IF",
    broken: (c) => blocks(c, BLOCKING_BY_STI) && !c.has(Field.GUEST_RFLAGS, RFLAGS_IF),
  },
  {
    section: nonRegister,
    field: "GUEST_INTERRUPTIBILITY_INFO",
    rule: "no blocking by STI or MOV SS when an external interrupt is injected",
    broken: (c) => injectsType(c, EventType.externalInterrupt) && blocks(c, BLOCKING_BY_STI | BLOCKING_BY_MOV_SS),
  },
  {
    section: nonRegister,
    field: "GUEST_INTERRUPTIBILITY_INFO",
    rule: "no blocking by MOV SS when an NMI is injected",
    broken: (c) => injectsType(c, EventType.nmi) && blocks(c, BLOCKING_BY_MOV_SS),
    qualification: Qualification.nmiInjection,
  },
  {
    section: nonRegister,
    field: "GUEST_INTERRUPTIBILITY_INFO",
    rule: "no blocking by SMI outside SMM",
    broken: (c) => blocks(c, BLOCKING_BY_SMI),
  },
  {
    section: nonRegister,
    field: "GUEST_INTERRUPTIBILITY_INFO",
    rule: "no blocking by NMI when an NMI is injected with virtual NMIs",
    broken: (c) => pin(c, PinControl.virtualNmis) && injectsType(c, EventType.nmi) && blocks(c, BLOCKING_BY_NMI),
  },
  {
    section: nonRegister,
    field: "GUEST_INTERRUPTIBILITY_INFO",
    rule: "no enclave interruption: these models have no SGX",
    broken: (c) => blocks(c, ENCLAVE_INTERRUPTION),
  },
];

function isSingleStepBad(context: EntryContext): boolean {
  const held = blocks(context, BLOCKING_BY_STI | BLOCKING_BY_MOV_SS) || activity(context) === ActivityState.hlt;
  if (!held) return false;
  const steps = context.has(Field.GUEST_RFLAGS, RFLAGS_TF) && !context.has(Field.GUEST_IA32_DEBUGCTL, DEBUGCTL_BTF);
  return steps !== context.has(Field.GUEST_PENDING_DBG_EXCEPTIONS, PENDING_DEBUG_BS);
}

const PENDING_DEBUG_RTM = 1 << 16;

const pendingDebugRules: readonly EntryRule[] = [
  {
    section: nonRegister,
    field: "GUEST_PENDING_DBG_EXCEPTIONS",
    rule: "reserved bits are 0",
    broken: (c) =>
      c.has(Field.GUEST_PENDING_DBG_EXCEPTIONS, PENDING_DEBUG_RESERVED) ||
      c.high(Field.GUEST_PENDING_DBG_EXCEPTIONS) !== 0,
  },
  {
    section: nonRegister,
    field: "GUEST_PENDING_DBG_EXCEPTIONS",
    rule: "BS as RFLAGS.TF and DEBUGCTL.BTF say",
    broken: isSingleStepBad,
  },
  {
    section: nonRegister,
    field: "GUEST_PENDING_DBG_EXCEPTIONS",
    rule: "a transactional debug exception comes alone, with an enabled breakpoint",
    broken: (c) =>
      c.has(Field.GUEST_PENDING_DBG_EXCEPTIONS, PENDING_DEBUG_RTM) &&
      c.low(Field.GUEST_PENDING_DBG_EXCEPTIONS) !== PENDING_DEBUG_RTM + PENDING_DEBUG_ENABLED_BREAKPOINT,
  },
];

const ALL_ONES = 0xffffffff;

/** The link pointer names no VMCS. */
export function isLinkPointerUnused(context: EntryContext): boolean {
  return context.low(Field.VMCS_LINK_POINTER) === ALL_ONES && context.high(Field.VMCS_LINK_POINTER) === ALL_ONES;
}

const linkPointerRule = (rule: string, broken: (context: EntryContext) => boolean): EntryRule => ({
  section: nonRegister,
  field: "VMCS_LINK_POINTER",
  rule,
  broken,
  qualification: Qualification.linkPointer,
});

function isLinkedRevisionBad(context: EntryContext): boolean {
  if (context.memory === undefined) return false;
  const word = context.memory.read32(addressOf(context, Field.VMCS_LINK_POINTER));
  const isShadow = word >>> 31 === 1;
  return (
    (word & 0x7fffffff) !== context.model.revision || isShadow !== secondary(context, SecondaryControl.vmcsShadowing)
  );
}

const linkPointerRules: readonly EntryRule[] = [
  linkPointerRule(
    "page-aligned and within the physical-address width",
    (c) => !isPhysicalAddress(c, Field.VMCS_LINK_POINTER, 4096),
  ),
  linkPointerRule("names a VMCS of this revision, a shadow VMCS with VMCS shadowing", isLinkedRevisionBad),
  linkPointerRule("is not the current VMCS", (c) => addressOf(c, Field.VMCS_LINK_POINTER) === c.currentVmcs),
];

export function usesPaePaging(context: EntryContext): boolean {
  return context.has(Field.GUEST_CR0, CR0_PG) && context.has(Field.GUEST_CR4, CR4_PAE) && !isLongModeGuest(context);
}

const PDPTE_PRESENT = 1;
const PDPTE_RESERVED = 0x1e6;

function isPdpteBad(context: EntryContext, low: number, high: number): boolean {
  return (low & PDPTE_PRESENT) !== 0 && ((low & PDPTE_RESERVED) !== 0 || !isWithinPhysicalWidth(context, high));
}

const PDPTE_FIELDS = [Field.GUEST_PDPTR0, Field.GUEST_PDPTR1, Field.GUEST_PDPTR2, Field.GUEST_PDPTR3] as const;
/** Bits 31:5 of CR3 under PAE paging. */
const PAE_TABLE_MASK = 0xffffffe0;

/** With EPT from the VMCS, else from the table at CR3. */
function arePdptesBad(context: EntryContext): boolean {
  if (secondary(context, SecondaryControl.enableEpt)) {
    return PDPTE_FIELDS.some((field) => isPdpteBad(context, context.low(field), context.high(field)));
  }
  const memory = context.memory;
  if (memory === undefined) return false;
  const table = (context.low(Field.GUEST_CR3) & PAE_TABLE_MASK) >>> 0;
  return [0, 8, 16, 24].some((offset) =>
    isPdpteBad(context, memory.read32(table + offset), memory.read32(table + offset + 4)),
  );
}

const pdpteRules: readonly EntryRule[] = [
  {
    section: pdptes,
    field: "GUEST_CR3",
    rule: "reserved bits of present PDPTEs are 0",
    broken: arePdptesBad,
    qualification: Qualification.pdpte,
  },
];

export const GUEST_NONREGISTER_RULES: readonly RuleTable[] = [
  { rules: activityRules, when: (c) => activity(c) !== ActivityState.active },
  { rules: interruptibilityRules, when: (c) => c.low(Field.GUEST_INTERRUPTIBILITY_INFO) !== 0 },
  { rules: pendingDebugRules },
  { rules: linkPointerRules, when: (c) => !isLinkPointerUnused(c) },
  { rules: pdpteRules, when: usesPaePaging },
];
