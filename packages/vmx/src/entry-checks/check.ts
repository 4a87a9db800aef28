/**
 * The checks of VM entry (SDM 26.2, 26.3, 26.4), usable without a processor: a hypervisor runs the same ones on a
 * vmcs12.
 */
import type { CpuModel } from "../cpu-model.js";
import type { FieldStore } from "../field-store.js";
import type { Memory } from "../memory.js";
import {
  type EntryCheckFailure,
  EntryContext,
  type EntryRule,
  firstBroken,
  type RuleList,
  ruleList,
} from "./context.js";
import { EXECUTION_CONTROL_RULES } from "./execution-control-rules.js";
import { EXIT_ENTRY_CONTROL_RULES } from "./exit-entry-control-rules.js";
import { GUEST_NONREGISTER_RULES } from "./guest-nonregister-rules.js";
import { GUEST_REGISTER_RULES, GUEST_TABLE_AND_FLAG_RULES } from "./guest-register-rules.js";
import { GUEST_SEGMENT_RULES } from "./guest-segment-rules.js";
import { HOST_RULES } from "./host-rules.js";
import { failingMsr } from "./msr-load.js";

export const CONTROL_RULES: RuleList = ruleList([...EXECUTION_CONTROL_RULES, ...EXIT_ENTRY_CONTROL_RULES]);
export const HOST_STATE_RULES: RuleList = ruleList(HOST_RULES);
export const GUEST_STATE_RULES: RuleList = ruleList([
  ...GUEST_REGISTER_RULES,
  ...GUEST_SEGMENT_RULES,
  ...GUEST_TABLE_AND_FLAG_RULES,
  ...GUEST_NONREGISTER_RULES,
]);

export interface GuestCheckFailure extends EntryCheckFailure {
  /** Exit qualification: 0, 2 PDPTE, 3 NMI injection, 4 VMCS link pointer. */
  readonly qualification: number;
}

/**
 * Memory that a field points into, and the VMCS being entered. Without them the rules that need them are taken to hold.
 */
export interface GuestCheckOptions {
  readonly memory?: Memory | undefined;
  readonly currentVmcs?: number | undefined;
}

/** Control fields. A failure is VMfailValid(7). */
export function checkEntryControls(
  fields: FieldStore,
  model: CpuModel,
  memory?: Memory,
): EntryCheckFailure | undefined {
  return toFailure(firstBroken(CONTROL_RULES, contextOf(fields, model, memory)));
}

/** Host-state area. A failure is VMfailValid(8). */
export function checkHostState(fields: FieldStore, model: CpuModel): EntryCheckFailure | undefined {
  return toFailure(firstBroken(HOST_STATE_RULES, contextOf(fields, model, undefined)));
}

/** Guest-state area. A failure is a VM exit for reason 33. */
export function checkGuestState(
  fields: FieldStore,
  model: CpuModel,
  options: GuestCheckOptions = {},
): GuestCheckFailure | undefined {
  const context = contextOf(fields, model, options.memory, options.currentVmcs);
  const broken = firstBroken(GUEST_STATE_RULES, context);
  const failure = toFailure(broken);
  return failure === undefined ? undefined : { ...failure, qualification: broken?.qualification ?? 0 };
}

/**
 * VM-entry MSR loading: 0, or the 1-based index of the entry that fails, which is the qualification of a VM exit for
 * reason 34.
 */
export function checkMsrLoading(fields: FieldStore, model: CpuModel, memory: Memory): number {
  return failingMsr(contextOf(fields, model, memory));
}

function contextOf(fields: FieldStore, model: CpuModel, memory: Memory | undefined, currentVmcs = -1): EntryContext {
  const context = new EntryContext(model, memory);
  context.use(fields, currentVmcs);
  return context;
}

function toFailure(rule: EntryRule | undefined): EntryCheckFailure | undefined {
  return rule === undefined ? undefined : { rule: rule.rule, section: rule.section, field: rule.field };
}
