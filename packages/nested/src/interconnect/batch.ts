/**
 * What travels between L0 and a CPU: numbered batches of instructions, and their completions. A batch is one round trip. It is executed
 * from first to last; the first result that is not the expected one stops it, and the rest is not executed. Sending a batch
 * again with the same id returns the recorded completion and executes nothing.
 */

import type { BatchTiming, LinkTiming } from "./timing.js";

/** A sparse set of field values, as three parallel arrays: encodings (full access) and both halves of each value. */
export interface FieldValues {
  readonly encodings: readonly number[];
  /** Bits 31:0, unsigned. */
  readonly low: readonly number[];
  /** Bits 63:32, unsigned. */
  readonly high: readonly number[];
}

/** One step of a batch. `region` is a host-physical address. */
export type BatchInstruction =
  /** VMXON with this region; the CPU writes the revision identifier into it first, as software must. */
  | { readonly kind: "vmxon"; readonly region: number }
  | { readonly kind: "vmxoff" }
  /**
   * VMPTRLD. `image` is the home image, present when L0's record says that the VMCS is active nowhere: it is placed in
   * the CPU's memory before the instruction executes. `epoch` numbers this activation.
   */
  | { readonly kind: "vmptrld"; readonly region: number; readonly epoch: number; readonly image?: FieldValues }
  /** VMCLEAR. The result carries what was flushed. An `epoch` that is not the one active here answers `notMine`. */
  | { readonly kind: "vmclear"; readonly region: number; readonly epoch: number }
  /** A run of VMWRITEs to the current VMCS. */
  | { readonly kind: "vmwrite"; readonly fields: FieldValues }
  /** A run of VMREADs from the current VMCS. */
  | { readonly kind: "vmread"; readonly encodings: readonly number[] }
  | { readonly kind: "vmlaunch" }
  | { readonly kind: "vmresume" }
  /**
   * The guest leaves, for `reason`. The processor does not execute guest code, so what the guest changed before it left (`guest`: RIP, RSP, …)
   * is given by whoever plays the guest.
   */
  | {
      readonly kind: "guestExit";
      readonly reason: number;
      readonly qualificationLow: number;
      readonly qualificationHigh: number;
      readonly guest: FieldValues;
    }
  /** An IPI arrives: a CPU in non-root operation takes a VM exit for reason 1 (external interrupt); otherwise nothing happens. */
  | { readonly kind: "interrupt" }
  /** The interrupt handler returns: VMRESUME if this batch's `interrupt` took the CPU out of a guest whose VMCS is still active here. */
  | { readonly kind: "resumeInterrupted" };

export interface Batch {
  /** 1, 2, 3, … per CPU and session of L0 with it. */
  readonly id: number;
  readonly cpu: number;
  /** The operation it belongs to. */
  readonly operation: number;
  readonly instructions: readonly BatchInstruction[];
}

/** How one instruction ended. */
export type ResultStatus =
  | "succeed"
  | "failInvalid"
  | "failValid"
  | "exception"
  /** VMLAUNCH or VMRESUME reached the guest. */
  | "vmentry"
  /** A VM exit: by guestExit, by interrupt, or (with entryFailure) by an entry that failed on guest state or MSR loading. */
  | "vmexit"
  /** The VMCS is not active here under that epoch: nothing was done. */
  | "notMine"
  /** Nothing to do: an interrupt in root operation, a resumeInterrupted without one. */
  | "skipped";

export interface InstructionResult {
  readonly status: ResultStatus;
  /** VM-instruction error of failValid, or vector of an exception. */
  readonly error?: number;
  readonly reason?: number;
  readonly entryFailure?: boolean;
  /** vmread: the values. vmclear: fields that differ from the image this activation was loaded with. */
  readonly fields?: FieldValues;
  /** vmclear: the launch state that the VMCS had. vmptrld: the launch state it has. */
  readonly launched?: boolean;
}

export interface Completion {
  readonly id: number;
  readonly cpu: number;
  /** One per executed instruction; shorter than the batch when it was stopped. */
  readonly results: readonly InstructionResult[];
  /** When the CPU executed it, if it said so. */
  readonly timing?: BatchTiming;
  /** When it passed L0's end of the link, if that was noted. */
  readonly link?: LinkTiming;
}
