/** SDM 26.2.2 to 26.2.4: host control registers and MSRs, host segments, and address-space size. */
import { Efer, EntryControl, ExitControl } from "../control-bits.js";
import { Field } from "../field-encodings.js";
import { CR0_WP, CR4_CET, CR4_PAE, CR4_PCIDE, isWithin } from "../instructions/control-registers.js";
import { isCanonicalField, isPat, isWithinPhysicalWidth } from "./bits.js";
import type { EntryRule, RuleTable } from "./context.js";
import { entry, exit } from "./controls.js";

const registers = "SDM 26.2.2";
const segments = "SDM 26.2.3";
const addressSpace = "SDM 26.2.4";

/** IA32_EFER bits that exist. */
export const EFER_DEFINED = Efer.sce | Efer.lme | Efer.lma | Efer.nxe;
/** IA32_PERF_GLOBAL_CTRL: four or eight general counters in 31:0, three fixed ones in 63:32. */
export const PERF_GLOBAL_RESERVED_LOW = ~0xff;
export const PERF_GLOBAL_RESERVED_HIGH = ~0x7;
/** IA32_S_CET: bits 9:6 of the low half are reserved. */
const S_CET_RESERVED = 0x3c0;

type HostField = Extract<keyof typeof Field, `HOST_${string}`>;

const canonical = (section: string, field: HostField): EntryRule => {
  const encoding = Field[field];
  return {
    section,
    field,
    rule: "canonical",
    broken: (c) => !isCanonicalField(c, encoding),
  };
};

const selector = (field: HostField): EntryRule => {
  const encoding = Field[field];
  return {
    section: segments,
    field,
    rule: "RPL and TI are 0",
    broken: (c) => (c.low(encoding) & 7) !== 0,
  };
};

const notNull = (field: HostField): EntryRule => {
  const encoding = Field[field];
  return {
    section: segments,
    field,
    rule: "not 0",
    broken: (c) => c.low(encoding) === 0,
  };
};

const registerRules: readonly EntryRule[] = [
  {
    section: registers,
    field: "HOST_CR0",
    rule: "inside IA32_VMX_CR0_FIXED0 and FIXED1",
    broken: (c) =>
      c.high(Field.HOST_CR0) !== 0 || !isWithin(c.low(Field.HOST_CR0), c.model.cr0Fixed0, c.model.cr0Fixed1),
  },
  {
    section: registers,
    field: "HOST_CR4",
    rule: "inside IA32_VMX_CR4_FIXED0 and FIXED1",
    broken: (c) =>
      c.high(Field.HOST_CR4) !== 0 || !isWithin(c.low(Field.HOST_CR4), c.model.cr4Fixed0, c.model.cr4Fixed1),
  },
  {
    section: registers,
    field: "HOST_CR4",
    rule: "CET needs CR0.WP",
    broken: (c) => c.has(Field.HOST_CR4, CR4_CET) && !c.has(Field.HOST_CR0, CR0_WP),
  },
  {
    section: registers,
    field: "HOST_CR3",
    rule: "within the physical-address width",
    broken: (c) => !isWithinPhysicalWidth(c, c.high(Field.HOST_CR3)),
  },
  canonical(registers, "HOST_IA32_SYSENTER_ESP"),
  canonical(registers, "HOST_IA32_SYSENTER_EIP"),
  {
    section: registers,
    field: "HOST_IA32_PERF_GLOBAL_CTRL",
    rule: "reserved bits are 0",
    broken: (c) =>
      exit(c, ExitControl.loadPerfGlobalCtrl) &&
      ((c.low(Field.HOST_IA32_PERF_GLOBAL_CTRL) & PERF_GLOBAL_RESERVED_LOW) !== 0 ||
        (c.high(Field.HOST_IA32_PERF_GLOBAL_CTRL) & PERF_GLOBAL_RESERVED_HIGH) !== 0),
  },
  {
    section: registers,
    field: "HOST_IA32_PAT",
    rule: "each byte is a memory type",
    broken: (c) => exit(c, ExitControl.loadPat) && !isPat(c.low(Field.HOST_IA32_PAT), c.high(Field.HOST_IA32_PAT)),
  },
  {
    section: registers,
    field: "HOST_IA32_EFER",
    rule: "reserved bits are 0; LMA and LME as the host address-space size",
    broken: (c) => {
      if (!exit(c, ExitControl.loadEfer)) return false;
      const low = c.low(Field.HOST_IA32_EFER);
      const wanted = exit(c, ExitControl.hostAddressSpaceSize) ? Efer.lma | Efer.lme : 0;
      return (
        c.high(Field.HOST_IA32_EFER) !== 0 || (low & ~EFER_DEFINED) !== 0 || (low & (Efer.lma | Efer.lme)) !== wanted
      );
    },
  },
  {
    section: registers,
    field: "HOST_S_CET",
    rule: "canonical, reserved bits 0; the shadow-stack pointers aligned and canonical",
    broken: (c) =>
      exit(c, ExitControl.loadCet) &&
      (!isCanonicalField(c, Field.HOST_S_CET) ||
        c.has(Field.HOST_S_CET, S_CET_RESERVED) ||
        !isCanonicalField(c, Field.HOST_SSP) ||
        c.has(Field.HOST_SSP, 3) ||
        !isCanonicalField(c, Field.HOST_INTR_SSP_TABLE)),
  },
];

const segmentRules: readonly EntryRule[] = [
  selector("HOST_ES_SELECTOR"),
  selector("HOST_CS_SELECTOR"),
  selector("HOST_SS_SELECTOR"),
  selector("HOST_DS_SELECTOR"),
  selector("HOST_FS_SELECTOR"),
  selector("HOST_GS_SELECTOR"),
  selector("HOST_TR_SELECTOR"),
  notNull("HOST_CS_SELECTOR"),
  notNull("HOST_TR_SELECTOR"),
  {
    section: segments,
    field: "HOST_SS_SELECTOR",
    rule: "not 0 for a 32-bit host",
    broken: (c) => !exit(c, ExitControl.hostAddressSpaceSize) && c.low(Field.HOST_SS_SELECTOR) === 0,
  },
  canonical(segments, "HOST_FS_BASE"),
  canonical(segments, "HOST_GS_BASE"),
  canonical(segments, "HOST_TR_BASE"),
  canonical(segments, "HOST_GDTR_BASE"),
  canonical(segments, "HOST_IDTR_BASE"),
];

/** VM entry executes in 64-bit mode here: IA32_EFER.LMA is always 1. */
const addressSpaceRules: readonly EntryRule[] = [
  {
    section: addressSpace,
    field: "VM_EXIT_CONTROLS",
    rule: "host address-space size is 1 in IA-32e mode",
    broken: (c) => !exit(c, ExitControl.hostAddressSpaceSize),
  },
  {
    section: addressSpace,
    field: "HOST_CR4",
    rule: "PAE is 1 for a 64-bit host; PCIDE is 0 for a 32-bit one",
    broken: (c) =>
      exit(c, ExitControl.hostAddressSpaceSize) ? !c.has(Field.HOST_CR4, CR4_PAE) : c.has(Field.HOST_CR4, CR4_PCIDE),
  },
  {
    section: addressSpace,
    field: "HOST_RIP",
    rule: "canonical for a 64-bit host; below 4 GiB for a 32-bit one",
    broken: (c) =>
      exit(c, ExitControl.hostAddressSpaceSize) ? !isCanonicalField(c, Field.HOST_RIP) : c.high(Field.HOST_RIP) !== 0,
  },
  {
    section: addressSpace,
    field: "VM_ENTRY_CONTROLS",
    rule: "a 64-bit guest needs a 64-bit host",
    broken: (c) => entry(c, EntryControl.ia32eModeGuest) && !exit(c, ExitControl.hostAddressSpaceSize),
  },
];

export const HOST_RULES: readonly RuleTable[] = [
  { rules: registerRules },
  { rules: segmentRules },
  { rules: addressSpaceRules },
];
