import { FieldStore, Memory } from "@vmcslab/vmx";
import type { OutgoingBatch } from "../effect.js";
import type { LoadedVmcs } from "./loaded-vmcs.js";
import type { Script } from "./script.js";

/** No vmcs12 is current, no VMXON pointer: all ones for L1. */
export const NO_POINTER = -1;

/** A VM: what its vcpus share. */
export class Vm {
  readonly vcpus = new Set<number>();
  readonly memory: Memory;

  constructor(
    readonly id: number,
    /** Size of L1's memory in bytes; a vmcs12 beyond it is not backed. */
    readonly memoryBytes: number,
  ) {
    this.memory = new Memory({ bytes: memoryBytes });
  }
}

/** An entry of the vmcs02 pool: KVM's `struct vmcs02_list` of 2011 to 2017. */
export interface PoolEntry {
  /** The key: guest-physical address of the vmcs12 that it last ran. */
  vmptr: number;
  readonly vmcs: LoadedVmcs;
}

/** The vmcs12 that L1 made current, cached by L0 as KVM does: it reaches L1's memory when L1 leaves it. */
export class CachedVmcs12 {
  readonly fields = new FieldStore();
  launched = false;
}

/** A batch whose end was not learned before its deadline, and who has to be told. */
export interface Unsettled {
  readonly batch: OutgoingBatch;
  readonly script: Script;
}

/** One vcpu's nested state: KVM's `struct nested_vmx`. */
export class Vcpu {
  /** Post-VMXON. */
  vmxon = false;
  vmxonPointer = NO_POINTER;
  currentVmptr = NO_POINTER;
  readonly vmcs12 = new CachedVmcs12();
  /** L2 runs. */
  guestMode = false;
  /** Most recently used first. */
  readonly pool: PoolEntry[] = [];
  /** Allocated at VMXON, and no vmcs12 has run on it yet. Only in the design `single`. */
  spareVmcs02: LoadedVmcs | undefined;
  /** The VMCS in use: vmcs01, or one of the pool. */
  loaded: LoadedVmcs;
  /** A batch to its CPU ended without an answer: until it is settled, what it did is not known. */
  unsettled: Unsettled | undefined;
  /** A CPU that held one of its VMCSs was lost, and the policy is to end it: nothing may be done with it but to destroy it. */
  killed = false;
  /** Number of the last operation whose effects the journal had when this L0 began. */
  recordedOperation = 0;

  constructor(
    readonly id: number,
    readonly vm: Vm,
    /** The CPU it is placed on. */
    public cpu: number,
    /** As configured; 0 behaves as 1. */
    readonly poolSize: number,
    readonly vmcs01: LoadedVmcs,
  ) {
    this.loaded = vmcs01;
  }

  get poolCapacity(): number {
    return Math.max(this.poolSize, 1);
  }

  /** Every VMCS that it owns. */
  get vmcss(): LoadedVmcs[] {
    const spare = this.spareVmcs02;
    return [this.vmcs01, ...this.pool.map((entry) => entry.vmcs), ...(spare === undefined ? [] : [spare])];
  }

  poolOrder(): number[] {
    return this.pool.map((entry) => entry.vmptr);
  }
}
