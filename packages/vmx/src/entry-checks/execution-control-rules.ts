/** SDM 26.2.1.1: VM-execution control fields. */
import { ExitControl, PinControl, PrimaryControl, SecondaryControl } from "../control-bits.js";
import { Field } from "../field-encodings.js";
import { isWithin } from "../instructions/control-registers.js";
import { addressOf, isPhysicalAddress } from "./bits.js";
import type { EntryContext, EntryRule, RuleTable } from "./context.js";
import { exit, pin, primary, secondary } from "./controls.js";
import { checkEptPointer } from "./ept-pointer.js";

const section = "SDM 26.2.1.1";
const PAGE = 4096;
const POSTED_INTERRUPT_DESCRIPTOR_BYTES = 64;
const VTPR_OFFSET = 0x80;
const VM_FUNCTION_EPTP_SWITCHING = 1;

const reservedBits: readonly EntryRule[] = [
  {
    section,
    field: "PIN_BASED_VM_EXEC_CONTROL",
    rule: "reserved bits as IA32_VMX_PINBASED_CTLS says",
    broken: (c) =>
      !isWithin(c.low(Field.PIN_BASED_VM_EXEC_CONTROL), c.model.pinBased.mustBeOne, c.model.pinBased.mayBeOne),
  },
  {
    section,
    field: "CPU_BASED_VM_EXEC_CONTROL",
    rule: "reserved bits as IA32_VMX_PROCBASED_CTLS says",
    broken: (c) =>
      !isWithin(c.low(Field.CPU_BASED_VM_EXEC_CONTROL), c.model.primary.mustBeOne, c.model.primary.mayBeOne),
  },
  {
    section,
    field: "SECONDARY_VM_EXEC_CONTROL",
    rule: "reserved bits as IA32_VMX_PROCBASED_CTLS2 says",
    broken: (c) =>
      primary(c, PrimaryControl.activateSecondary) &&
      !isWithin(c.low(Field.SECONDARY_VM_EXEC_CONTROL), c.model.secondary.mustBeOne, c.model.secondary.mayBeOne),
  },
  {
    section,
    field: "CR3_TARGET_COUNT",
    rule: "no more CR3-target values than IA32_VMX_MISC[24:16]",
    broken: (c) => c.low(Field.CR3_TARGET_COUNT) > ((c.model.misc >>> 16) & 0x1ff),
  },
];

/** A control that makes the processor use a page at an address. */
function pageRule(field: keyof typeof Field, isUsed: (context: EntryContext) => boolean): EntryRule {
  const encoding = Field[field];
  return {
    section,
    field,
    rule: "page-aligned and within the physical-address width",
    broken: (c) => isUsed(c) && !isPhysicalAddress(c, encoding, PAGE),
  };
}

const pages: readonly EntryRule[] = [
  pageRule("IO_BITMAP_A", (c) => primary(c, PrimaryControl.useIoBitmaps)),
  pageRule("IO_BITMAP_B", (c) => primary(c, PrimaryControl.useIoBitmaps)),
  pageRule("MSR_BITMAP", (c) => primary(c, PrimaryControl.useMsrBitmaps)),
  pageRule("VIRTUAL_APIC_PAGE_ADDR", (c) => primary(c, PrimaryControl.useTprShadow)),
  pageRule("APIC_ACCESS_ADDR", (c) => secondary(c, SecondaryControl.virtualizeApicAccesses)),
  pageRule("PML_ADDRESS", (c) => secondary(c, SecondaryControl.enablePml)),
  pageRule("VMREAD_BITMAP", (c) => secondary(c, SecondaryControl.vmcsShadowing)),
  pageRule("VMWRITE_BITMAP", (c) => secondary(c, SecondaryControl.vmcsShadowing)),
  pageRule("VE_INFORMATION_ADDRESS", (c) => secondary(c, SecondaryControl.eptViolationVe)),
  pageRule("SPP_TABLE_POINTER", (c) => secondary(c, SecondaryControl.subPageWritePermissions)),
];

const interrupts: readonly EntryRule[] = [
  {
    section,
    field: "PIN_BASED_VM_EXEC_CONTROL",
    rule: "virtual NMIs need NMI exiting",
    broken: (c) => pin(c, PinControl.virtualNmis) && !pin(c, PinControl.nmiExiting),
  },
  {
    section,
    field: "CPU_BASED_VM_EXEC_CONTROL",
    rule: "NMI-window exiting needs virtual NMIs",
    broken: (c) => primary(c, PrimaryControl.nmiWindowExiting) && !pin(c, PinControl.virtualNmis),
  },
  {
    section,
    field: "TPR_THRESHOLD",
    rule: "bits 31:4 are 0 without virtual-interrupt delivery",
    broken: (c) =>
      primary(c, PrimaryControl.useTprShadow) &&
      !secondary(c, SecondaryControl.virtualInterruptDelivery) &&
      (c.low(Field.TPR_THRESHOLD) & ~0xf) !== 0,
  },
  {
    section,
    field: "TPR_THRESHOLD",
    rule: "not above bits 7:4 of the virtual TPR",
    broken: isTprThresholdAboveVirtualTpr,
  },
  {
    section,
    field: "SECONDARY_VM_EXEC_CONTROL",
    rule: "x2APIC mode, APIC-register virtualization and virtual-interrupt delivery need the TPR shadow",
    broken: (c) =>
      !primary(c, PrimaryControl.useTprShadow) &&
      secondary(
        c,
        SecondaryControl.virtualizeX2apicMode |
          SecondaryControl.apicRegisterVirtualization |
          SecondaryControl.virtualInterruptDelivery,
      ),
  },
  {
    section,
    field: "SECONDARY_VM_EXEC_CONTROL",
    rule: "virtualizing x2APIC mode excludes virtualizing APIC accesses",
    broken: (c) =>
      secondary(c, SecondaryControl.virtualizeX2apicMode) && secondary(c, SecondaryControl.virtualizeApicAccesses),
  },
  {
    section,
    field: "SECONDARY_VM_EXEC_CONTROL",
    rule: "virtual-interrupt delivery needs external-interrupt exiting",
    broken: (c) =>
      secondary(c, SecondaryControl.virtualInterruptDelivery) && !pin(c, PinControl.externalInterruptExiting),
  },
  {
    section,
    field: "PIN_BASED_VM_EXEC_CONTROL",
    rule: "posted interrupts need virtual-interrupt delivery and acknowledge on exit",
    broken: (c) =>
      pin(c, PinControl.processPostedInterrupts) &&
      !(secondary(c, SecondaryControl.virtualInterruptDelivery) && exit(c, ExitControl.acknowledgeInterrupt)),
  },
  {
    section,
    field: "POSTED_INTR_NV",
    rule: "notification vector is 0 to 255",
    broken: (c) => pin(c, PinControl.processPostedInterrupts) && c.low(Field.POSTED_INTR_NV) > 0xff,
  },
  {
    section,
    field: "POSTED_INTR_DESC_ADDR",
    rule: "64-byte aligned and within the physical-address width",
    broken: (c) =>
      pin(c, PinControl.processPostedInterrupts) &&
      !isPhysicalAddress(c, Field.POSTED_INTR_DESC_ADDR, POSTED_INTERRUPT_DESCRIPTOR_BYTES),
  },
];

const translation: readonly EntryRule[] = [
  {
    section,
    field: "VIRTUAL_PROCESSOR_ID",
    rule: "not 0 when VPIDs are on",
    broken: (c) => secondary(c, SecondaryControl.enableVpid) && c.low(Field.VIRTUAL_PROCESSOR_ID) === 0,
  },
  {
    section,
    field: "EPT_POINTER",
    rule: "memory type and page-walk length supported, reserved bits 0",
    broken: (c) =>
      secondary(c, SecondaryControl.enableEpt) &&
      !checkEptPointer(c.model, c.low(Field.EPT_POINTER), c.high(Field.EPT_POINTER)),
  },
  {
    section,
    field: "SECONDARY_VM_EXEC_CONTROL",
    rule: "page-modification logging, unrestricted guest, mode-based execute control and sub-page permissions need EPT",
    broken: (c) =>
      !secondary(c, SecondaryControl.enableEpt) &&
      secondary(
        c,
        SecondaryControl.enablePml |
          SecondaryControl.unrestrictedGuest |
          SecondaryControl.modeBasedExecute |
          SecondaryControl.subPageWritePermissions,
      ),
  },
  {
    section,
    field: "TSC_MULTIPLIER",
    rule: "not 0 with TSC scaling",
    broken: (c) =>
      secondary(c, SecondaryControl.useTscScaling) &&
      c.low(Field.TSC_MULTIPLIER) === 0 &&
      c.high(Field.TSC_MULTIPLIER) === 0,
  },
  {
    section,
    field: "VM_FUNCTION_CONTROL",
    rule: "reserved bits as IA32_VMX_VMFUNC says",
    broken: (c) =>
      secondary(c, SecondaryControl.enableVmFunctions) &&
      ((c.low(Field.VM_FUNCTION_CONTROL) & ~c.model.vmFunctions) !== 0 || c.high(Field.VM_FUNCTION_CONTROL) !== 0),
  },
  {
    section,
    field: "EPTP_LIST_ADDRESS",
    rule: "EPTP switching needs EPT and a page-aligned list",
    broken: (c) =>
      secondary(c, SecondaryControl.enableVmFunctions) &&
      c.has(Field.VM_FUNCTION_CONTROL, VM_FUNCTION_EPTP_SWITCHING) &&
      !(secondary(c, SecondaryControl.enableEpt) && isPhysicalAddress(c, Field.EPTP_LIST_ADDRESS, PAGE)),
  },
];

function isTprThresholdAboveVirtualTpr(context: EntryContext): boolean {
  if (!primary(context, PrimaryControl.useTprShadow) || context.memory === undefined) return false;
  if (secondary(context, SecondaryControl.virtualInterruptDelivery | SecondaryControl.virtualizeApicAccesses))
    return false;
  const virtualTpr = context.memory.read32(addressOf(context, Field.VIRTUAL_APIC_PAGE_ADDR) + VTPR_OFFSET);
  return (context.low(Field.TPR_THRESHOLD) & 0xf) > ((virtualTpr >>> 4) & 0xf);
}

/** Controls that make the processor use a page. */
const USES_PAGES = PrimaryControl.useIoBitmaps | PrimaryControl.useMsrBitmaps | PrimaryControl.useTprShadow;

export const EXECUTION_CONTROL_RULES: readonly RuleTable[] = [
  { rules: reservedBits },
  { rules: pages, when: (c) => primary(c, USES_PAGES) || c.secondary !== 0 },
  { rules: interrupts },
  { rules: translation, when: (c) => c.secondary !== 0 },
];
