/** One logical processor: it executes instructions, one after the other, and answers each with an outcome. */
import type { CpuModel } from "./cpu-model.js";
import type { FieldStore } from "./field-store.js";
import { type Instruction, Op } from "./instruction.js";
import { moveToControlRegister } from "./instructions/control-registers.js";
import { guestLeaves, init, interrupt, sipi } from "./instructions/events.js";
import { invept, invvpid } from "./instructions/invept-invvpid.js";
import { rdmsr, wrmsr } from "./instructions/msr.js";
import { vmcall, vmfunc } from "./instructions/vmcall-vmfunc.js";
import { vmclear, vmptrld, vmptrst } from "./instructions/vmclear-vmptrld-vmptrst.js";
import { vmentry } from "./instructions/vmlaunch-vmresume.js";
import { vmread, vmwrite } from "./instructions/vmread-vmwrite.js";
import { vmxoff, vmxon } from "./instructions/vmxon-vmxoff.js";
import { invariant } from "./invariant.js";
import type { Memory } from "./memory.js";
import type { Outcome } from "./outcome.js";
import { FEATURE_CONTROL_READY, NO_REGION, ProcessorState, VmxMode } from "./processor-state.js";
import { succeed } from "./results.js";
import type { DeactivationPolicy } from "./vmcs-cache.js";

export interface ProcessorOptions {
  readonly cpu: number;
  readonly model: CpuModel;
  /** Several processors may share one. */
  readonly memory: Memory;
  /** IA32_FEATURE_CONTROL as firmware leaves it. Default 5: locked, VMX outside SMX. */
  readonly featureControl?: number | undefined;
  /**
   * What VMXOFF does with VMCSs that are still active: write their data to memory (default), or lose it. The manual
   * allows both (SDM 24.11.1). INIT and RESET always lose it.
   */
  readonly atVmxoff?: DeactivationPolicy | undefined;
}

/** A VMCS that is active on a processor. */
export interface ActiveVmcs {
  readonly region: number;
  readonly launched: boolean;
  readonly current: boolean;
}

export class Processor {
  readonly #state: ProcessorState;
  readonly #firmwareFeatureControl: number;

  constructor(options: ProcessorOptions) {
    this.#firmwareFeatureControl = options.featureControl ?? FEATURE_CONTROL_READY;
    this.#state = new ProcessorState(
      options.cpu,
      options.model,
      options.memory,
      this.#firmwareFeatureControl,
      options.atVmxoff ?? "writeBack",
    );
  }

  get cpu(): number {
    return this.#state.cpu;
  }

  get model(): CpuModel {
    return this.#state.model;
  }

  get memory(): Memory {
    return this.#state.memory;
  }

  /** The returned object belongs to the processor and is overwritten by the next call. */
  execute(instruction: Instruction): Outcome {
    const state = this.#state;
    state.out.hasValue = false;
    state.out.hazard = 0;
    dispatch(state, instruction, this.#firmwareFeatureControl);
    return state.out;
  }

  get inVmxOperation(): boolean {
    return this.#state.mode !== VmxMode.off;
  }

  /** A guest runs. */
  get nonRoot(): boolean {
    return this.#state.mode === VmxMode.nonRoot;
  }

  /** Region of the current VMCS; -1 when there is none. */
  get currentVmcs(): number {
    return this.#state.current?.region ?? NO_REGION;
  }

  /** -1 outside VMX operation. */
  get vmxonPointer(): number {
    return this.#state.vmxonPointer;
  }

  activeVmcss(): ActiveVmcs[] {
    const { cache, current } = this.#state;
    return cache
      .activeEntries()
      .map((entry) => ({ region: entry.region, launched: entry.launched, current: entry === current }));
  }

  isActive(region: number): boolean {
    return this.#state.cache.find(region, region >>> 0)?.active === true;
  }

  isLaunched(region: number): boolean {
    return this.#state.cache.find(region, region >>> 0)?.launched === true;
  }

  /** This processor's copy of an active VMCS. For reading: what is written here is not written back. */
  fieldsOf(region: number): FieldStore | undefined {
    const entry = this.#state.cache.find(region, region >>> 0);
    return entry?.active === true ? entry.fields : undefined;
  }

  /**
   * The guest changes a field of its own state in the VMCS it runs on, as VM exit would save it. Not VMWRITE: no check
   * is made.
   */
  storeGuestField(index: number, low: number, high: number): void {
    const current = this.#state.current;
    invariant(current !== undefined, "a guest's state is in the current VMCS", { cpu: this.cpu });
    current.store(index, low, high);
  }

  /** Power-on, with firmware's IA32_FEATURE_CONTROL. What was not VMCLEARed is lost. */
  reset(): void {
    this.#state.restart();
    this.#state.featureControl = this.#firmwareFeatureControl;
  }
}

function dispatch(state: ProcessorState, instruction: Instruction, firmwareFeatureControl: number): void {
  switch (instruction.op) {
    case Op.vmread:
      vmread(state, instruction);
      break;
    case Op.vmwrite:
      vmwrite(state, instruction);
      break;
    case Op.vmptrld:
      vmptrld(state, instruction);
      break;
    case Op.vmclear:
      vmclear(state, instruction);
      break;
    case Op.vmlaunch:
    case Op.vmresume:
      vmentry(state, instruction);
      break;
    case Op.vmexit:
      guestLeaves(state, instruction);
      break;
    case Op.nop:
      succeed(state);
      break;
    case Op.vmptrst:
      vmptrst(state, instruction);
      break;
    case Op.vmxon:
      vmxon(state, instruction);
      break;
    case Op.vmxoff:
      vmxoff(state, instruction);
      break;
    case Op.vmcall:
      vmcall(state, instruction);
      break;
    case Op.vmfunc:
      vmfunc(state, instruction);
      break;
    case Op.invept:
      invept(state, instruction);
      break;
    case Op.invvpid:
      invvpid(state, instruction);
      break;
    case Op.interrupt:
      interrupt(state, instruction);
      break;
    case Op.init:
      init(state);
      break;
    case Op.sipi:
      sipi(state, instruction);
      break;
    case Op.reset:
      state.restart();
      state.featureControl = firmwareFeatureControl;
      succeed(state);
      break;
    case Op.cr0Set:
    case Op.cr0Clear:
    case Op.cr4Set:
    case Op.cr4Clear:
      moveToControlRegister(state, instruction);
      break;
    case Op.rdmsr:
      rdmsr(state, instruction);
      break;
    case Op.wrmsr:
      wrmsr(state, instruction);
      break;
  }
}
