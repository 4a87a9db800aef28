/** What one may ask of L0, and what it answers. The same shapes in process, over gRPC and simulated. */

/** An instruction that L1 executes, or an ordinary store by L1 into its own memory. Addresses are guest-physical. */
export type L1Instruction = L1Operation & {
  /** CPL 3 instead of CPL 0. */
  readonly user?: boolean;
};

export type L1Operation =
  | { readonly op: "vmxon" | "vmclear" | "vmptrld"; readonly addr: bigint }
  | { readonly op: "vmxoff" | "vmptrst" }
  | { readonly op: "vmread"; readonly field: bigint }
  | { readonly op: "vmwrite"; readonly field: bigint; readonly value: bigint }
  /** `movSs`: right after MOV SS. */
  | { readonly op: "vmlaunch" | "vmresume"; readonly movSs?: boolean }
  /** Ordinary stores: a dword; 4 KiB of zeros. */
  | { readonly op: "write32"; readonly addr: bigint; readonly value: number }
  | { readonly op: "zero"; readonly addr: bigint };

export type L1OpName = L1Operation["op"];

/** What L1 sees. `l2`: the entry succeeded and L2 runs. `vmexit`: the entry failed with an exit (33 or 34) to L1. */
export interface L1Outcome {
  readonly status: "succeed" | "failInvalid" | "failValid" | "exception" | "l2" | "vmexit";
  /** VM-instruction error number of failValid. */
  readonly error?: number;
  /** Exception vector: 6 #UD, 13 #GP. */
  readonly vector?: number;
  /** vmread, vmptrst. */
  readonly value?: bigint;
  /** Exit reason (basic) and qualification of a failed entry. */
  readonly reason?: number;
  readonly qualification?: bigint;
}

export interface CreateVcpuRequest {
  /** The CPU it is placed on. */
  readonly cpu: number;
  /** vcpus of one VM share L1's memory. Default: a VM of its own. */
  readonly vm?: number;
  /** vmcs02 pool size; default: the host's. */
  readonly poolSize?: number;
}

/** A VM exit of whoever runs on the vcpu: L2 if it is in L2, else L1. */
export interface GuestExitRequest {
  readonly vcpu: number;
  /** Basic exit reason, SDM appendix C. */
  readonly reason: number;
  readonly qualification: bigint;
  /** What the guest changed in its own state before it left: [encoding, value], guest-state fields only. */
  readonly guest: readonly (readonly [encoding: number, value: bigint])[];
  /**
   * L2 left, and L0 has an interrupt for L1 when it has handled that exit: L1 sees an exit for reason EXTERNAL_INTERRUPT if it asked for those
   * (vmx_check_nested_events). An exit of L2 for an external interrupt is L0's own business otherwise.
   */
  readonly interruptForL1?: boolean;
}

export interface GuestExitAnswer {
  /** Who left: 1 for L1, 2 for L2. */
  readonly level: 1 | 2;
  /** An exit of L2 that L1 asked for: L1 runs now. Otherwise L0 handled it and the guest runs again. */
  readonly reflected: boolean;
}

export interface LoadedVmcsState {
  readonly vmcs: number;
  readonly region: number;
  /** CPU it was last loaded on; -1: none. */
  readonly cpu: number;
  readonly launched: boolean;
}

export interface NestedState {
  readonly vcpu: number;
  readonly vm: number;
  readonly cpu: number;
  readonly vmxon: boolean;
  /** All ones when there is none. */
  readonly vmxonPointer: bigint;
  readonly currentVmptr: bigint;
  /** L2 runs. */
  readonly guestMode: boolean;
  /** Identity of the VMCS in use: vmcs01 or one of the pool. */
  readonly loadedVmcs: number;
  readonly vmcs01: LoadedVmcsState;
  readonly poolSize: number;
  /** Most recent first. */
  readonly pool: readonly (LoadedVmcsState & { readonly vmptr: bigint })[];
}

/** Why an operation did not happen. `definite`: it certainly changed nothing more; otherwise it may or may not have taken effect. */
export interface OperationError {
  readonly code:
    | "notFound"
    | "invalidArgument"
    | "failedPrecondition"
    /** No page for a VMCS: KVM's -ENOMEM to user space. */
    | "noMemory"
    /** A CPU that is needed is not registered or is offline. */
    | "cpuUnavailable"
    /** No completion before the deadline. */
    | "deadline"
    /** The vcpu ended: a CPU that held one of its VMCSs was lost, and the policy is `kill`. */
    | "vcpuKilled"
    /** Crash clear-all has begun. */
    | "hostCrashed"
    | "stopping"
    /** Who calls is not known, or may not: L0's callers only. */
    | "unauthenticated"
    | "permissionDenied"
    /** A CPU answered what the protocol does not allow: a bug, or a CPU that was meddled with. */
    | "unexpectedOutcome";
  readonly definite: boolean;
  readonly message: string;
}

export type Answer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: OperationError };

/** L0's own counters since it started. */
export interface HostCounters {
  readonly clearsLocal: number;
  readonly clearsCrossCpu: number;
  /** VMCLEARs that only initialise a fresh region. */
  readonly clearsInitial: number;
  readonly poolHits: number;
  readonly poolRecycles: number;
  readonly poolAllocations: number;
  readonly poolFrees: number;
  readonly nestedEntries: number;
  readonly nestedExits: number;
  readonly migrations: number;
}
