/** SDM 26.3.1.2: guest segment registers. */
import { Field } from "../field-encodings.js";
import { CR0_PE } from "../instructions/control-registers.js";
import { isCanonicalField } from "./bits.js";
import type { EntryContext, EntryRule, RuleTable } from "./context.js";
import { isLongModeGuest, isUnrestricted, isVirtual8086 } from "./guest-register-rules.js";

const section = "SDM 26.3.1.2";

export type SegmentName = "ES" | "CS" | "SS" | "DS" | "FS" | "GS" | "LDTR" | "TR";

/** Access rights (SDM table 24-2). */
const type = (rights: number): number => rights & 0xf;
const isCodeOrData = (rights: number): boolean => (rights & 0x10) !== 0;
const dpl = (rights: number): number => (rights >>> 5) & 3;
const isPresent = (rights: number): boolean => (rights & 0x80) !== 0;
const isLong = (rights: number): boolean => (rights & 0x2000) !== 0;
const isBig = (rights: number): boolean => (rights & 0x4000) !== 0;
const isGranular = (rights: number): boolean => (rights & 0x8000) !== 0;
const UNUSABLE = 0x10000;
/** Bits 11:8 and 31:17. */
const RIGHTS_RESERVED = 0xfffe0f00;

const TI = 4;
const rpl = (selector: number): number => selector & 3;

const VIRTUAL_8086_RIGHTS = 0xf3;
const VIRTUAL_8086_LIMIT = 0xffff;

/** The encodings of one segment register's four fields. */
interface SegmentFields {
  readonly name: SegmentName;
  readonly selector: number;
  readonly base: number;
  readonly limit: number;
  readonly rights: number;
}

const fieldsOf = (name: SegmentName): SegmentFields => ({
  name,
  selector: Field[`GUEST_${name}_SELECTOR`],
  base: Field[`GUEST_${name}_BASE`],
  limit: Field[`GUEST_${name}_LIMIT`],
  rights: Field[`GUEST_${name}_AR_BYTES`],
});

const ES = fieldsOf("ES");
const CS = fieldsOf("CS");
const SS = fieldsOf("SS");
const DS = fieldsOf("DS");
const FS = fieldsOf("FS");
const GS = fieldsOf("GS");
const LDTR = fieldsOf("LDTR");
const TR = fieldsOf("TR");

const selectorOf = (c: EntryContext, segment: SegmentFields): number => c.low(segment.selector);
const rightsOf = (c: EntryContext, segment: SegmentFields): number => c.low(segment.rights);
const isUsable = (c: EntryContext, segment: SegmentFields): boolean => (rightsOf(c, segment) & UNUSABLE) === 0;

/** SS.DPL is the guest's CPL. */
export const guestCpl = (context: EntryContext): number => dpl(rightsOf(context, SS));

const selectors: readonly EntryRule[] = [
  { section, field: "GUEST_TR_SELECTOR", rule: "TI is 0", broken: (c) => (selectorOf(c, TR) & TI) !== 0 },
  {
    section,
    field: "GUEST_LDTR_SELECTOR",
    rule: "TI is 0 when usable",
    broken: (c) => isUsable(c, LDTR) && (selectorOf(c, LDTR) & TI) !== 0,
  },
  {
    section,
    field: "GUEST_SS_SELECTOR",
    rule: "RPL as in CS",
    broken: (c) => !isVirtual8086(c) && !isUnrestricted(c) && rpl(selectorOf(c, SS)) !== rpl(selectorOf(c, CS)),
  },
];

const canonicalBase = (segment: SegmentFields, always: boolean): EntryRule => ({
  section,
  field: `GUEST_${segment.name}_BASE`,
  rule: "canonical",
  broken: (c) => (always || isUsable(c, segment)) && !isCanonicalField(c, segment.base),
});

const shortBase = (segment: SegmentFields, always: boolean): EntryRule => ({
  section,
  field: `GUEST_${segment.name}_BASE`,
  rule: "bits 63:32 are 0",
  broken: (c) => (always || isUsable(c, segment)) && c.high(segment.base) !== 0,
});

const bases: readonly EntryRule[] = [
  canonicalBase(TR, true),
  canonicalBase(FS, true),
  canonicalBase(GS, true),
  canonicalBase(LDTR, false),
  shortBase(CS, true),
  shortBase(SS, false),
  shortBase(DS, false),
  shortBase(ES, false),
];

/** In virtual-8086 mode everything about the six segments is fixed. */
const virtual8086 = (segment: SegmentFields): EntryRule => ({
  section,
  field: `GUEST_${segment.name}_AR_BYTES`,
  rule: "base, limit and rights of virtual-8086 mode",
  broken: (c) =>
    rightsOf(c, segment) !== VIRTUAL_8086_RIGHTS ||
    c.low(segment.limit) !== VIRTUAL_8086_LIMIT ||
    c.low(segment.base) !== selectorOf(c, segment) * 16 ||
    c.high(segment.base) !== 0,
});

/** Bits 11:0 all 1 unless granularity is 0, bits 31:20 all 0 unless it is 1. */
function isGranularityBad(limit: number, rights: number): boolean {
  if ((limit & 0xfff) !== 0xfff && isGranular(rights)) return true;
  return (limit & 0xfff00000) !== 0 && !isGranular(rights);
}

/** What holds for every usable code, stack or data segment. */
function areCommonRightsBad(context: EntryContext, segment: SegmentFields): boolean {
  const rights = rightsOf(context, segment);
  if (!isCodeOrData(rights) || !isPresent(rights) || (rights & RIGHTS_RESERVED) !== 0) return true;
  return isGranularityBad(context.low(segment.limit), rights);
}

function isCsBad(context: EntryContext): boolean {
  const rights = rightsOf(context, CS);
  const stackDpl = guestCpl(context);
  if (areCommonRightsBad(context, CS)) return true;
  if (isLongModeGuest(context) && isLong(rights) && isBig(rights)) return true;
  switch (type(rights)) {
    case 3:
      return !isUnrestricted(context) || dpl(rights) !== 0;
    case 9:
    case 11:
      return dpl(rights) !== stackDpl;
    case 13:
    case 15:
      return dpl(rights) > stackDpl;
    default:
      return true;
  }
}

function isSsBad(context: EntryContext): boolean {
  const rights = rightsOf(context, SS);
  const unrestricted = isUnrestricted(context);
  if (!unrestricted && dpl(rights) !== rpl(selectorOf(context, SS))) return true;
  const isRealModeLike = type(rightsOf(context, CS)) === 3 || !context.has(Field.GUEST_CR0, CR0_PE);
  if (isRealModeLike && dpl(rights) !== 0) return true;
  if (!isUsable(context, SS)) return false;
  return (type(rights) !== 3 && type(rights) !== 7) || areCommonRightsBad(context, SS);
}

function isDataBad(context: EntryContext, segment: SegmentFields): boolean {
  if (!isUsable(context, segment)) return false;
  const rights = rightsOf(context, segment);
  const isAccessed = (rights & 1) !== 0;
  const isReadable = (rights & 8) === 0 || (rights & 2) !== 0;
  if (!isAccessed || !isReadable || areCommonRightsBad(context, segment)) return true;
  // Conforming code is the one kind that more privileged code may not use as it likes: types 0 to 11 obey RPL and DPL.
  return !isUnrestricted(context) && type(rights) <= 11 && dpl(rights) < rpl(selectorOf(context, segment));
}

const dataRule = (segment: SegmentFields): EntryRule => ({
  section,
  field: `GUEST_${segment.name}_AR_BYTES`,
  rule: "a readable, accessed, present segment with consistent privilege and limit",
  broken: (c) => !isVirtual8086(c) && isDataBad(c, segment),
});

/** A system segment: S 0, present, reserved bits 0. */
function areSystemRightsBad(context: EntryContext, segment: SegmentFields): boolean {
  const rights = rightsOf(context, segment);
  if (isCodeOrData(rights) || !isPresent(rights) || (rights & RIGHTS_RESERVED) !== 0) return true;
  return isGranularityBad(context.low(segment.limit), rights);
}

const TSS_16_BUSY = 3;
const TSS_BUSY = 11;
const LDT = 2;

function isTrBad(context: EntryContext): boolean {
  const tssType = type(rightsOf(context, TR));
  if (!isUsable(context, TR) || areSystemRightsBad(context, TR)) return true;
  return tssType !== TSS_BUSY && (tssType !== TSS_16_BUSY || isLongModeGuest(context));
}

const rights: readonly EntryRule[] = [
  {
    section,
    field: "GUEST_CS_AR_BYTES",
    rule: "an accessed code segment with consistent privilege and limit",
    broken: (c) => !isVirtual8086(c) && isCsBad(c),
  },
  {
    section,
    field: "GUEST_SS_AR_BYTES",
    rule: "an accessed writable segment with consistent privilege and limit",
    broken: (c) => !isVirtual8086(c) && isSsBad(c),
  },
  dataRule(DS),
  dataRule(ES),
  dataRule(FS),
  dataRule(GS),
  { section, field: "GUEST_TR_AR_BYTES", rule: "a usable busy task-state segment", broken: isTrBad },
  {
    section,
    field: "GUEST_LDTR_AR_BYTES",
    rule: "a local descriptor table when usable",
    broken: (c) => isUsable(c, LDTR) && (type(rightsOf(c, LDTR)) !== LDT || areSystemRightsBad(c, LDTR)),
  },
];

export const GUEST_SEGMENT_RULES: readonly RuleTable[] = [
  { rules: selectors },
  { rules: bases },
  { rules: [CS, SS, DS, ES, FS, GS].map(virtual8086), when: isVirtual8086 },
  { rules: rights },
];
