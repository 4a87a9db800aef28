/** What the entry checks look at: a VMCS's fields, the processor model, and memory where a field points into it. */

import { PrimaryControl } from "../control-bits.js";
import type { CpuModel } from "../cpu-model.js";
import { Field, type FieldName } from "../field-encodings.js";
import { FieldStore } from "../field-store.js";
import { fieldIndex } from "../fields.js";
import type { Memory } from "../memory.js";

export interface EntryCheckFailure {
  /** What must hold and does not. */
  readonly rule: string;
  /** Section of the SDM, Vol. 3, December 2016. */
  readonly section: string;
  readonly field: FieldName;
}

export class EntryContext {
  readonly model: CpuModel;
  /** Without one, what a field points to is taken to be right. */
  readonly memory: Memory | undefined;
  fields: FieldStore = new FieldStore();
  /**
   * The control fields, which most rules look at; the secondary ones are 0 unless the primary ones activate them (SDM
   * 26.2.1.1).
   */
  pin = 0;
  primary = 0;
  secondary = 0;
  exit = 0;
  entry = 0;
  /** The largest upper half of a physical address. */
  readonly physicalHighMax: number;
  /** Address of the VMCS that is being entered; -1 when unknown. */
  currentVmcs = -1;

  constructor(model: CpuModel, memory: Memory | undefined) {
    this.model = model;
    this.memory = memory;
    this.physicalHighMax = 2 ** (model.physicalAddressWidth - 32) - 1;
  }

  /** Looks at these fields from now on. They must not change until the next call. */
  use(fields: FieldStore, currentVmcs: number): void {
    this.fields = fields;
    this.currentVmcs = currentVmcs;
    this.pin = this.low(Field.PIN_BASED_VM_EXEC_CONTROL);
    this.primary = this.low(Field.CPU_BASED_VM_EXEC_CONTROL);
    const activated = (this.primary & PrimaryControl.activateSecondary) !== 0;
    this.secondary = activated ? this.low(Field.SECONDARY_VM_EXEC_CONTROL) : 0;
    this.exit = this.low(Field.VM_EXIT_CONTROLS);
    this.entry = this.low(Field.VM_ENTRY_CONTROLS);
  }

  /** Bits 31:0 of a field. */
  low(encoding: number): number {
    return this.fields.low[fieldIndex(encoding)] ?? 0;
  }

  /** Bits 63:32 of a field. */
  high(encoding: number): number {
    return this.fields.high[fieldIndex(encoding)] ?? 0;
  }

  /** Any of `bits` is set in bits 31:0 of a field. */
  has(encoding: number, bits: number): boolean {
    return (this.low(encoding) & bits) !== 0;
  }
}

export interface EntryRule extends EntryCheckFailure {
  broken(context: EntryContext): boolean;
  /** Exit qualification of a broken guest-state rule (SDM 26.7); 0 when absent. */
  readonly qualification?: number;
}

/** Rules that belong together. */
export interface RuleTable {
  readonly rules: readonly EntryRule[];
  /** Without this none of them can be broken, and they are not looked at. Absent: they always can. */
  readonly when?: (context: EntryContext) => boolean;
}

/** A table with its tests side by side: an array of functions is what a processor runs through fastest. */
interface CompiledTable {
  readonly rules: readonly EntryRule[];
  readonly when: (context: EntryContext) => boolean;
  readonly tests: readonly ((context: EntryContext) => boolean)[];
}

export type RuleList = readonly CompiledTable[];

const always = (): boolean => true;

export function ruleList(tables: readonly RuleTable[]): RuleList {
  return tables.map(({ rules, when }) => ({ rules, when: when ?? always, tests: rules.map((rule) => rule.broken) }));
}

/** The first rule of the list that does not hold. */
export function firstBroken(list: RuleList, context: EntryContext): EntryRule | undefined {
  for (const { rules, when, tests } of list) {
    if (!when(context)) continue;
    for (let index = 0; index < tests.length; index++) if (tests[index]?.(context) === true) return rules[index];
  }
  return undefined;
}
