/** KVM's trace points as they are found in a capture. */

export interface CaptureEventBase {
  /** Line of the file, from 1. */
  readonly line: number;
  /** CPU of the host that was captured; undefined when the line does not say. */
  readonly cpu?: number;
  /** Nanoseconds; the zero is the tracing clock's. */
  readonly timeNs?: bigint;
  /** Thread that was running: its pid, or undefined when the line does not say. */
  readonly thread?: number;
}

/** A trace point that a replay uses. */
export type KvmEvent = CaptureEventBase &
  (
    | { readonly kind: "entry"; readonly vcpu?: number; readonly rip?: bigint }
    | ({ readonly kind: "exit" } & ExitPayload)
    | {
        /** kvm_nested_vmenter, and kvm_nested_vmrun as it was called before Linux 6.3. */
        readonly kind: "nestedEnter";
        /** Address of the vmcs12; all ones under enlightened VMCS. */
        readonly vmcs: bigint;
        readonly nestedRip?: bigint;
        /** VM-entry interruption information. */
        readonly eventInjection?: number;
        readonly nestedEptp?: bigint;
        readonly guestPgd?: bigint;
      }
    | { readonly kind: "nestedEnterFailed"; readonly message: string }
    | ({ readonly kind: "nestedExit" } & ExitPayload)
    | ({ readonly kind: "nestedExitInject" } & ExitPayload)
  );

export type KvmEventKind = KvmEvent["kind"];

export interface ExitPayload {
  readonly vcpu?: number;
  /** As printed: a name, or a number when the kernel that printed it knew none. */
  readonly reasonName: string;
  /** Basic exit reason; undefined when the name is not a VMX one (an SVM capture, say). */
  readonly reason?: number;
  readonly rip?: bigint;
  /** info1: the exit qualification. */
  readonly qualification?: bigint;
}

/** What a line of a capture is. */
export type CaptureLine =
  | { readonly class: "event"; readonly event: KvmEvent }
  /** A kvm trace point that a replay has no use for (interrupts, MMIO, page faults, …). */
  | { readonly class: "otherKvm"; readonly name: string }
  /** A trace point of another subsystem. */
  | { readonly class: "other"; readonly name: string }
  /** A comment, a header of the tool, or an empty line. */
  | { readonly class: "frame" }
  | { readonly class: "notUnderstood"; readonly why: string };
