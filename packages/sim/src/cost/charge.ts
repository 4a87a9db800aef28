import { type BatchInstruction, type FieldValues, type InstructionResult, isExpected } from "@vmcslab/nested";
import { Field } from "@vmcslab/vmx";
import type { CostModel, IpiDirection } from "./cost-model.js";
import { byRow, COST_ROWS } from "./rows.js";
import type { CycleTotals } from "./totals.js";

const NO_VMCS = -1;

/** Position in COST_ROWS: counting in arrays of numbers is several times as fast as in an object by name. */
const AT = byRow((row) => COST_ROWS.indexOf(row));

/**
 * What executed batches cost one CPU, in virtual cycles. It remembers which VMCSs have control words that no entry has checked yet, so each
 * batch is charged once, in the order of execution; a CPU that begins a new life gets a new one. Charging allocates nothing.
 */
export class BatchCost {
  readonly #cycles: Float64Array;
  readonly #counts = new Float64Array(COST_ROWS.length);
  /** By region: a control word was written since the last entry. Regions stay in it, so that it stops growing. */
  readonly #unchecked = new Map<number, boolean>();
  #current = NO_VMCS;

  constructor(model: CostModel) {
    this.#cycles = Float64Array.from(COST_ROWS, (row) => model.rows[row].cycles);
  }

  /**
   * Cycles of one executed batch; `results` may be shorter than it. Whatever did not end as it should is free, and ends the batch: nothing
   * is known of what failing costs. So are `notMine` and `skipped`, which execute nothing.
   */
  charge(instructions: readonly BatchInstruction[], results: readonly InstructionResult[]): number {
    let cycles = 0;
    for (let i = 0; i < results.length; i++) {
      const step = instructions[i];
      const result = results[i];
      if (step === undefined || result === undefined || !isExpected(step, result)) break;
      cycles += this.#charge(step, result);
    }
    return cycles;
  }

  /** Cycles of each VMCLEAR among them, in order; charges nothing. */
  flushes(instructions: readonly BatchInstruction[], results: readonly InstructionResult[]): number[] {
    return results.flatMap((result, i) =>
      instructions[i]?.kind === "vmclear" ? [this.#cycles[clearRow(result)] ?? 0] : [],
    );
  }

  /** A message to or from this CPU. It is charged to one of the two CPUs only. Cycles. */
  chargeIpi(direction: IpiDirection): number {
    return this.#add(AT[direction], 1);
  }

  /** Cycles so far, by row. */
  totals(): CycleTotals {
    return byRow((row) => (this.#counts[AT[row]] ?? 0) * (this.#cycles[AT[row]] ?? 0));
  }

  #charge(step: BatchInstruction, result: InstructionResult): number {
    switch (step.kind) {
      case "vmread":
        return this.#add(AT.vmread, step.encodings.length);
      case "vmwrite":
        return this.#vmwrite(step.fields);
      case "vmptrld":
        this.#current = step.region;
        return this.#add(step.image === undefined ? AT.vmptrldActive : AT.vmptrldLoad, 1);
      case "vmclear":
        return this.#vmclear(step.region, result);
      case "vmlaunch":
        return this.#entry() + this.#add(AT.launchExtra, 1);
      case "vmresume":
        return this.#entry();
      case "guestExit":
        return this.#add(AT.exit, 1);
      case "interrupt":
        return result.status === "vmexit" ? this.#add(AT.exit, 1) : 0;
      case "resumeInterrupted":
        return result.status === "vmentry" ? this.#entry() : 0;
      case "vmxon":
      case "vmxoff":
        return this.#add(AT[step.kind], 1);
    }
  }

  #vmwrite({ encodings }: FieldValues): number {
    let controls = 0;
    for (let i = 0; i < encodings.length; i++) if (isControlWord(encodings[i])) controls++;
    if (controls > 0) this.#unchecked.set(this.#current, true);
    return this.#add(AT.vmwriteControl, controls) + this.#add(AT.vmwrite, encodings.length - controls);
  }

  #vmclear(region: number, result: InstructionResult): number {
    if (result.status === "notMine") return 0;
    // Its next entry is a VMLAUNCH, and comes after a load that may be on another CPU.
    if (this.#unchecked.get(region) === true) this.#unchecked.set(region, false);
    if (this.#current === region) this.#current = NO_VMCS;
    return this.#add(clearRow(result), 1);
  }

  #entry(): number {
    const cycles = this.#add(AT.entry, 1);
    if (this.#unchecked.get(this.#current) !== true) return cycles;
    this.#unchecked.set(this.#current, false);
    return cycles + this.#add(AT.controlRecheck, 1);
  }

  #add(at: number, times: number): number {
    this.#counts[at] = (this.#counts[at] ?? 0) + times;
    return (this.#cycles[at] ?? 0) * times;
  }
}

function clearRow({ fields }: InstructionResult): number {
  return fields === undefined || fields.encodings.length === 0 ? AT.vmclearClean : AT.vmclearDirty;
}

function isControlWord(encoding: number | undefined): boolean {
  return (
    encoding === Field.PIN_BASED_VM_EXEC_CONTROL ||
    encoding === Field.CPU_BASED_VM_EXEC_CONTROL ||
    encoding === Field.SECONDARY_VM_EXEC_CONTROL ||
    encoding === Field.VM_EXIT_CONTROLS ||
    encoding === Field.VM_ENTRY_CONTROLS
  );
}
