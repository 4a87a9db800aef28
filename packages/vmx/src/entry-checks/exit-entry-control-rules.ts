/** SDM 26.2.1.2 and 26.2.1.3: VM-exit and VM-entry control fields. */
import {
  EntryControl,
  EventType,
  ExitControl,
  INTERRUPTION_VALID,
  PinControl,
  PrimaryControl,
  SecondaryControl,
} from "../control-bits.js";
import { Field } from "../field-encodings.js";
import { CR0_PE, isWithin } from "../instructions/control-registers.js";
import { addressOf, isPhysicalAddress } from "./bits.js";
import type { EntryContext, EntryRule, RuleTable } from "./context.js";
import { entry, exit, pin, secondary } from "./controls.js";

const exitSection = "SDM 26.2.1.2";
const entrySection = "SDM 26.2.1.3";
export const MSR_ENTRY_BYTES = 16;

/** An MSR area: 16-byte aligned, and its last byte within the physical-address width. */
function msrAreaRule(section: string, address: keyof typeof Field, count: keyof typeof Field): EntryRule {
  const addressField = Field[address];
  const countField = Field[count];
  return {
    section,
    field: address,
    rule: "MSR area 16-byte aligned and within the physical-address width",
    broken: (c) => {
      const entries = c.low(countField);
      if (entries === 0) return false;
      const last = addressOf(c, addressField) + entries * MSR_ENTRY_BYTES - 1;
      return !isPhysicalAddress(c, addressField, MSR_ENTRY_BYTES) || last >= 2 ** c.model.physicalAddressWidth;
    },
  };
}

const exitControls: readonly EntryRule[] = [
  {
    section: exitSection,
    field: "VM_EXIT_CONTROLS",
    rule: "reserved bits as IA32_VMX_EXIT_CTLS says",
    broken: (c) => !isWithin(c.low(Field.VM_EXIT_CONTROLS), c.model.exit.mustBeOne, c.model.exit.mayBeOne),
  },
  {
    section: exitSection,
    field: "VM_EXIT_CONTROLS",
    rule: "saving the preemption timer needs the timer",
    broken: (c) => exit(c, ExitControl.savePreemptionTimer) && !pin(c, PinControl.preemptionTimer),
  },
  msrAreaRule(exitSection, "VM_EXIT_MSR_STORE_ADDR", "VM_EXIT_MSR_STORE_COUNT"),
  msrAreaRule(exitSection, "VM_EXIT_MSR_LOAD_ADDR", "VM_EXIT_MSR_LOAD_COUNT"),
];

/** VM-entry interruption information: vector 7:0, type 10:8, deliver error code 11, reserved 30:12, valid 31. */
const vectorOf = (information: number): number => information & 0xff;
const typeOf = (information: number): number => (information >>> 8) & 7;
const DELIVER_ERROR_CODE = 1 << 11;
const INFORMATION_RESERVED = 0x7ffff000;
/** Exceptions that push an error code: #DF, #TS, #NP, #SS, #GP, #PF, #AC. */
const ERROR_CODE_VECTORS = (1 << 8) | (1 << 10) | (1 << 11) | (1 << 12) | (1 << 13) | (1 << 14) | (1 << 17);
const MISC_ZERO_LENGTH_INJECTION = 1 << 30;
const LONGEST_INSTRUCTION = 15;
const NMI_VECTOR = 2;
const LAST_EXCEPTION = 31;

/** The information of an event that is to be injected; 0 when there is none. */
export function injected(context: EntryContext): number {
  const information = context.low(Field.VM_ENTRY_INTR_INFO_FIELD);
  return (information & INTERRUPTION_VALID) === 0 ? 0 : information;
}

export function injectsType(context: EntryContext, type: number): boolean {
  const information = injected(context);
  return information !== 0 && typeOf(information) === type;
}

export function injectedVector(context: EntryContext): number {
  return vectorOf(injected(context));
}

function isEventBad(context: EntryContext): boolean {
  const information = injected(context);
  if (information === 0) return false;
  const vector = vectorOf(information);
  switch (typeOf(information)) {
    case 1:
      return true;
    case EventType.nmi:
      return vector !== NMI_VECTOR;
    case EventType.hardwareException:
      return vector > LAST_EXCEPTION;
    case EventType.other:
      return vector !== 0 || (context.model.primary.mayBeOne & PrimaryControl.monitorTrapFlag) === 0;
    default:
      return false;
  }
}

/** An error code is delivered exactly for a hardware exception that has one, in protected mode. */
function isErrorCodeFlagBad(context: EntryContext): boolean {
  const information = injected(context);
  if (information === 0) return false;
  const hasErrorCode =
    typeOf(information) === EventType.hardwareException && ((ERROR_CODE_VECTORS >>> vectorOf(information)) & 1) === 1;
  const isProtected = !secondary(context, SecondaryControl.unrestrictedGuest) || context.has(Field.GUEST_CR0, CR0_PE);
  return ((information & DELIVER_ERROR_CODE) !== 0) !== (hasErrorCode && isProtected);
}

function isInstructionLengthBad(context: EntryContext): boolean {
  const type = typeOf(injected(context));
  const isSoftware =
    type === EventType.softwareInterrupt ||
    type === EventType.privilegedSoftwareException ||
    type === EventType.softwareException;
  if (injected(context) === 0 || !isSoftware) return false;
  const length = context.low(Field.VM_ENTRY_INSTRUCTION_LEN);
  const shortest = (context.model.misc & MISC_ZERO_LENGTH_INJECTION) === 0 ? 1 : 0;
  return length < shortest || length > LONGEST_INSTRUCTION;
}

const entryControls: readonly EntryRule[] = [
  {
    section: entrySection,
    field: "VM_ENTRY_CONTROLS",
    rule: "reserved bits as IA32_VMX_ENTRY_CTLS says",
    broken: (c) => !isWithin(c.low(Field.VM_ENTRY_CONTROLS), c.model.entry.mustBeOne, c.model.entry.mayBeOne),
  },
  msrAreaRule(entrySection, "VM_ENTRY_MSR_LOAD_ADDR", "VM_ENTRY_MSR_LOAD_COUNT"),
  {
    section: entrySection,
    field: "VM_ENTRY_CONTROLS",
    rule: "no entry to SMM and no deactivation of the dual monitor outside SMM",
    broken: (c) => entry(c, EntryControl.entryToSmm | EntryControl.deactivateDualMonitor),
  },
];

const injection: readonly EntryRule[] = [
  { section: entrySection, field: "VM_ENTRY_INTR_INFO_FIELD", rule: "type and vector agree", broken: isEventBad },
  {
    section: entrySection,
    field: "VM_ENTRY_INTR_INFO_FIELD",
    rule: "an error code for exactly the exceptions that have one",
    broken: isErrorCodeFlagBad,
  },
  {
    section: entrySection,
    field: "VM_ENTRY_INTR_INFO_FIELD",
    rule: "bits 30:12 are 0",
    broken: (c) => (injected(c) & INFORMATION_RESERVED) !== 0,
  },
  {
    section: entrySection,
    field: "VM_ENTRY_EXCEPTION_ERROR_CODE",
    rule: "bits 31:15 are 0",
    broken: (c) => (injected(c) & DELIVER_ERROR_CODE) !== 0 && c.low(Field.VM_ENTRY_EXCEPTION_ERROR_CODE) > 0x7fff,
  },
  {
    section: entrySection,
    field: "VM_ENTRY_INSTRUCTION_LEN",
    rule: "1 to 15 bytes for an injected software event",
    broken: isInstructionLengthBad,
  },
];

export const EXIT_ENTRY_CONTROL_RULES: readonly RuleTable[] = [
  { rules: exitControls },
  { rules: entryControls },
  { rules: injection, when: (c) => injected(c) !== 0 },
];
