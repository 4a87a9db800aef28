/**
 * The vocabulary of the history. A pure core states facts ({@link EventFact}); the shell around it stamps each with
 * its envelope ({@link HistoryEvent}). Everything that vmcslab reports is derived from these and nothing else.
 */

/**
 * Every kind of event, with who publishes it and what its payload says. Names follow KVM's trace points where KVM has one
 * (kvm_entry, kvm_exit, kvm_nested_vmenter) and illumos' vmx-vmclear/vmx-vmptrld probes for the rest.
 */
export const EVENT_KINDS = {
  // From a CPU: what its processor did.
  "vmx.on": "cpu: VMXON succeeded. cpu, region (the VMXON region)",
  "vmx.off": "cpu: VMXOFF succeeded, or the CPU was reset. cpu",
  "vmcs.load":
    "cpu: VMPTRLD made a VMCS current. cpu, region, epoch; activated: it was not active here and was read from memory; digest: of the fields as loaded; launched: its launch state on this CPU",
  "vmcs.clear":
    "cpu: VMCLEAR. cpu, region, epoch; active: it was active here; launched: its launch state before; digest: of the fields as written to memory",
  "vmcs.write": "cpu: VMWRITEs to the current VMCS, one event per run of them. cpu, region, count",
  "vm.entry": "cpu: a VM entry reached the guest. cpu, region, instruction (vmlaunch or vmresume)",
  "vm.exit": "cpu: a VM exit. cpu, region, reason",
  "vm.fail":
    "cpu: a VMX instruction did not succeed. cpu, instruction, status (failInvalid, failValid, exception, entryFailure), error (number or vector), region",
  "lease.expired":
    "cpu: its lease ended before L0 renewed it: it stopped using its VMCSs, left VMX operation and forgot what it cached. cpu, epoch (its incarnation), count (VMCSs dropped)",
  // From L0: hosts and vcpus.
  "cpu.registered": "l0: a CPU service registered. cpu, epoch (its incarnation)",
  "cpu.offline": "l0: a CPU was taken offline on request, every VMCS on it cleared first. cpu, count (VMCSs cleared)",
  "cpu.fenced":
    "l0: a CPU's fence deadline passed: its lease has ended on any clock, and its VMCSs may be rebuilt. cpu, epoch (its incarnation)",
  "cpu.lost": "l0: a CPU vanished with its caches. cpu, count (VMCSs that were active there)",
  "host.crashed":
    "l0: crash clear-all, as kexec needs it: every CPU was told to VMCLEAR all it holds and leave VMX operation; nothing is run any more. count (VMCSs cleared), reason (CPUs that did not answer)",
  "host.restored":
    "l0: a new life of L0 begins with what its journal holds, and accepts no operation yet. count (vcpus), reason (CPUs that have to say what they hold, or be gone for certain)",
  "host.recovered": "l0: every CPU of the last life is accounted for: operations are accepted. count (vcpus)",
  "vcpu.restored": "l0: a vcpu that the journal holds. vcpu, cpu (where it is placed), count (pool size as configured)",
  "vcpu.created": "l0: vcpu, cpu (where it is placed), count (pool size as configured)",
  "vcpu.killed": "l0: the vcpu ends because a CPU that held one of its VMCSs was lost (policy kill). vcpu, cpu",
  "vcpu.destroyed": "l0: vcpu",
  "vcpu.placed": "l0: a vcpu moved. vcpu, from, to",
  // From L0: ownership of VMCSs.
  "vmcs.allocated": "l0: a hardware VMCS. vcpu, vmcs (identity, never reused), region, role (vmcs01 or vmcs02)",
  "vmcs.restored": "l0: a hardware VMCS that the journal holds. vcpu, vmcs, region, role",
  "vmcs.freed": "l0: its page returned to the allocator. vcpu, vmcs, region",
  "vmcs.record":
    "l0: what the loaded-VMCS record says now. vmcs, region, cpu (where last loaded; -1 none), launched, epoch; cause",
  "vmcs.lost":
    "l0: a VMCS was active on a CPU that vanished, or after a restart of L0 is not there as recorded; its contents are rebuilt at the next load. vmcs, region, cpu",
  "ipi.sent": "l0: a cross-CPU clear goes out. from (CPU the caller is on), to, vmcs, region, epoch",
  "ipi.acked":
    "l0: its completion was applied. from, to, vmcs, region, epoch, timing (when it passed L0 and the CPU; absent when nobody took the time)",
  "writeback.refused":
    "l0: a completion of a life of a CPU that was given up brought a flushed image; it was not applied. cpu, vmcs, region, epoch",
  // From L0: the vmcs02 pool. `order` is the pool after the event, most recent first, as vmcs12 addresses.
  "pool.hit": "l0: vcpu, vmptr (vmcs12 address), vmcs, count (capacity), order",
  "pool.recycle": "l0: vcpu, vmptr, from (the vmcs12 address it was for), vmcs, count (capacity), order",
  "pool.allocate": "l0: vcpu, vmptr, vmcs, count (capacity), order",
  "pool.free": "l0: vcpu, vmptr, vmcs, count (capacity), order",
  "pool.allocFail": "l0: no memory for a vmcs02. vcpu, vmptr, count (capacity), order",
  // From L0: nested operation.
  "l1.instruction": "l0: an instruction of L1 was emulated. vcpu, instruction, status, error",
  "nested.enter":
    "l0: L2 runs. vcpu, cpu, vmptr, vmcs, instruction (vmlaunch or vmresume, as L0 executed it), count (how often L0 waited for CPUs until then, in this operation)",
  "nested.enterFailed": "l0: L1's VMLAUNCH or VMRESUME did not reach L2. vcpu, vmptr, status, error, reason",
  "nested.exit": "l0: an exit of L2. vcpu, vmptr, reason, toL1 (reflected to L1, or handled by L0)",
  // From L0: operations, for invariant 8.
  "op.begin": "l0: an operation was accepted. instruction (its name), vcpu",
  "op.end": "l0: it ended. instruction, vcpu, status (ok, or an error's code), definite",
  // From whoever injects faults: for people, no invariant depends on them.
  "fault.injected":
    "faults: a fault begins to act. cause (its name), instruction (what it does), cpu (its victim, if it has one)",
  "fault.healed": "faults: it ended: by its lease, or cleared. cause, instruction, cpu, count (how often it struck)",
} as const;

export type EventKind = keyof typeof EVENT_KINDS;

/** What a core states. Addresses are host- or guest-physical, below 2^52, so numbers hold them exactly. */
export interface EventFact {
  readonly kind: EventKind;
  /** The operation of L0 that caused it; 0 when none did. */
  readonly operation: number;
  readonly cpu?: number | undefined;
  readonly vcpu?: number | undefined;
  /** Identity of a hardware VMCS: never reused, unlike its address. */
  readonly vmcs?: number | undefined;
  /** Host-physical address of a VMCS or VMXON region. */
  readonly region?: number | undefined;
  /** Guest-physical address of a vmcs12. */
  readonly vmptr?: number | undefined;
  /** Activation number of a VMCS, or a CPU's incarnation. */
  readonly epoch?: number | undefined;
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly launched?: boolean | undefined;
  readonly activated?: boolean | undefined;
  readonly active?: boolean | undefined;
  readonly toL1?: boolean | undefined;
  readonly definite?: boolean | undefined;
  readonly reason?: number | undefined;
  readonly error?: number | undefined;
  readonly count?: number | undefined;
  /** FNV-1a (32 bits) over a VMCS's fields. */
  readonly digest?: number | undefined;
  readonly order?: readonly number[] | undefined;
  readonly instruction?: string | undefined;
  readonly status?: string | undefined;
  readonly role?: "vmcs01" | "vmcs02" | undefined;
  readonly cause?: string | undefined;
  readonly timing?: ClearTiming | undefined;
}

/** When a cross-CPU clear passed which point, in nanoseconds. `ClearFollower` makes phases of it. */
export interface ClearTiming {
  /** L0's monotonic clock when the clear was handed to the link, for the first time. */
  readonly handedNs: number;
  /** L0's monotonic clock when its completion arrived. */
  readonly arrivedNs: number;
  /** The CPU's monotonic clock when the clear arrived there. */
  readonly receivedNs: number;
  /** From then until its first instruction. */
  readonly waitedNs: number;
  /** All instructions of its batch. */
  readonly executedNs: number;
  /** Its VMCLEAR among them. */
  readonly flushedNs: number;
  /** L0 and the CPU read the same clock, so that each way can be told apart. */
  readonly oneClock: boolean;
}

/** An event as recorded. */
export interface HistoryEvent extends EventFact {
  readonly host: string;
  /** Who published it: `l0`, `cpu0`, `cpu1`, …, or `faults`. */
  readonly source: string;
  /** 1, 2, 3, … per source and incarnation of that source, without gaps. */
  readonly seq: number;
  /** Changes whenever the source restarts, so that its sequence may start again at 1. */
  readonly incarnation: number;
  /** Lamport's logical clock: an event that caused another has the smaller number. Ties are ordered by source. */
  readonly lamport: number;
  /** Microseconds since 1970. */
  readonly wallUs: number;
  /** Nanoseconds of the source machine's monotonic clock. */
  readonly monoNs: number;
}
