/** The state of one logical processor, as the instructions see it. */
import type { CpuModel } from "./cpu-model.js";
import { EntryContext } from "./entry-checks/context.js";
import type { Memory, Page } from "./memory.js";
import { Outcome } from "./outcome.js";
import { type CachedVmcs, type DeactivationPolicy, VmcsCache } from "./vmcs-cache.js";

/** SDM 23.3: outside VMX operation, VMX root operation, VMX non-root operation. */
export const VmxMode = { off: 0, root: 1, nonRoot: 2 } as const;
export type VmxModeCode = (typeof VmxMode)[keyof typeof VmxMode];

/** No region: all ones in the architecture. */
export const NO_REGION = -1;

/** IA32_FEATURE_CONTROL (SDM 23.7). */
export const FeatureControl = { lock: 1, vmxInSmx: 2, vmxOutsideSmx: 4 } as const;
export const FEATURE_CONTROL_READY: number = FeatureControl.lock | FeatureControl.vmxOutsideSmx;

/** 64-bit mode with paging: CR0 has PE, ET, NE and PG, CR4 has PAE and VMXE, EFER has LME and LMA. */
const START_CR0 = 0x80000031;
const START_CR4 = 0x2020;
const START_EFER = 0x500;
const START_DR7 = 0x400;

export class ProcessorState {
  readonly cpu: number;
  readonly model: CpuModel;
  readonly memory: Memory;
  readonly out: Outcome = new Outcome();
  readonly cache: VmcsCache = new VmcsCache();
  readonly entryContext: EntryContext;
  /** An address with any of these bits in its upper half is too wide. */
  readonly addressHighMask: number;

  mode: VmxModeCode = VmxMode.off;
  vmxonPointer = NO_REGION;
  vmxonPage: Page | undefined = undefined;
  current: CachedVmcs | undefined = undefined;
  /** INIT arrived in root operation and waits (SDM 25.2). */
  initPending = false;

  /** Bits 31:0; the upper halves are always 0. */
  cr0 = START_CR0;
  cr4 = START_CR4;
  efer = START_EFER;
  dr7Low = START_DR7;
  debugctlLow = 0;
  featureControl: number;
  readonly atVmxoff: DeactivationPolicy;

  constructor(cpu: number, model: CpuModel, memory: Memory, featureControl: number, atVmxoff: DeactivationPolicy) {
    this.cpu = cpu;
    this.model = model;
    this.memory = memory;
    this.featureControl = featureControl;
    this.atVmxoff = atVmxoff;
    this.addressHighMask = ~(2 ** (model.physicalAddressWidth - 32) - 1);
    this.entryContext = new EntryContext(model, memory);
  }

  /** Not 4-KiB aligned, or wider than the physical address. */
  isBadRegionAddress(low: number, high: number): boolean {
    return (low & 0xfff) !== 0 || (high & this.addressHighMask) !== 0;
  }

  /** Returns how many VMCSs were active. */
  leaveVmxOperation(policy: DeactivationPolicy): number {
    this.mode = VmxMode.off;
    this.current = undefined;
    this.vmxonPointer = NO_REGION;
    if (this.vmxonPage !== undefined) this.vmxonPage.vmxonOn--;
    this.vmxonPage = undefined;
    return this.cache.deactivateAll(policy);
  }

  /**
   * What INIT and RESET have in common here: control registers as software finds them when it runs in 64-bit mode
   * again.
   */
  restart(): void {
    this.leaveVmxOperation("lose");
    this.initPending = false;
    this.cr0 = START_CR0;
    this.cr4 = START_CR4;
    this.efer = START_EFER;
    this.dr7Low = START_DR7;
    this.debugctlLow = 0;
  }
}

/** A region's address from its two halves. Exact: addresses have at most 52 bits. */
export function regionOf(low: number, high: number): number {
  return high * 0x1_0000_0000 + low;
}
