/**
 * What L0 has to remember beyond its own life, as plain data. A record says what changed with one operation; all records in order, from the first or from a snapshot on, say all. Nothing in
 * them is about what a CPU caches: that the CPUs say themselves when L0 comes back (`recover-cpu.ts`).
 */
import type { FieldValues } from "../interconnect/batch.js";

/** A hardware VMCS. Fields are those that changed. */
export interface VmcsRecord {
  readonly id: number;
  readonly region: number;
  readonly role: "vmcs01" | "vmcs02";
  /** Where it was last loaded; -1: nowhere. */
  readonly cpu: number;
  readonly launched: boolean;
  readonly epoch: number;
  /** The operation that activated it under this epoch. */
  readonly activatedBy: number;
  readonly initialised: boolean;
  readonly missesWrites: boolean;
  readonly home: FieldValues;
  readonly known: FieldValues;
}

/** A vcpu as it is when its operation has ended, and nothing that it sent is in doubt. */
export interface VcpuRecord {
  readonly id: number;
  readonly vm: number;
  /** Number of the last operation whose effects are in here. */
  readonly operation: number;
  readonly cpu: number;
  readonly poolSize: number;
  readonly vmxon: boolean;
  /** -1: none. */
  readonly vmxonPointer: number;
  /** -1: none. */
  readonly currentVmptr: number;
  readonly guestMode: boolean;
  readonly killed: boolean;
  readonly vmcs12Launched: boolean;
  /** Of the vmcs12 that L0 caches: fields that changed. */
  readonly vmcs12: FieldValues;
  /** Identity of its vmcs01, and of the VMCS in use. */
  readonly vmcs01: number;
  readonly loaded: number;
  /** Most recently used first. */
  readonly pool: readonly { readonly vmptr: number; readonly vmcs: number }[];
  /** Identity of a vmcs02 that no vmcs12 has run on yet; absent: there is none. */
  readonly spareVmcs02?: number;
  /** Its VMCSs that changed. Those that are none of these any more are freed. */
  readonly vmcss: readonly VmcsRecord[];
}

/** Words of a page of L1's memory that changed. */
export interface PageRecord {
  readonly vm: number;
  /** Guest-physical address of the page. */
  readonly address: number;
  readonly launchInitialised: boolean;
  /** Offsets in dwords, and the dwords. */
  readonly offsets: readonly number[];
  readonly values: readonly number[];
}

/** A CPU that L0 used. */
export interface CpuRecord {
  readonly number: number;
  /** 0: it was lost, and has not registered again. */
  readonly incarnation: number;
  readonly vmxonRegion: number | undefined;
  /** L0 uses it, or is about to take it out of use. */
  readonly online: boolean;
}

/** Numbers that are given out once. */
export interface NextNumbers {
  readonly operation: number;
  readonly vcpu: number;
  readonly vm: number;
  readonly vmcs: number;
}

export interface JournalRecord {
  readonly next: NextNumbers;
  readonly vcpus: readonly VcpuRecord[];
  /** Vcpus that are no more. */
  readonly destroyed: readonly number[];
  readonly pages: readonly PageRecord[];
  readonly cpus: readonly CpuRecord[];
}
