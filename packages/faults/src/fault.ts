/**
 * What may be done to a host on purpose. A fault begins at a time or at an event of the history, acts, and ends by itself. The simulator and
 * live injection mean the same by it; docs/faults.md is made from `actions.ts`.
 */
import type { Distribution } from "./distribution/distribution.js";

/**
 * Which messages a fault strikes: those that match `from`, `to` and `method` are counted from when the fault begins, and of the counted ones it strikes
 * those that `nth`, `every` and `probability` all allow. Nothing given: all messages.
 */
export interface FaultMatch {
  /** Who sends: `l0`, `cpu` (any of them) or `cpu3`. */
  readonly from?: string | undefined;
  /** Who receives, in the same words. */
  readonly to?: string | undefined;
  /** One of METHODS: a kind of message, or an instruction that a batch contains. */
  readonly method?: string | undefined;
  /** Only the n-th, from 1. */
  readonly nth?: number | undefined;
  /** Only every n-th: the n-th, the 2n-th, … */
  readonly every?: number | undefined;
  /** From 0 to 1, drawn last and for each message by itself. With 0 the fault is not there at all: nothing is drawn, nothing recorded. */
  readonly probability?: number | undefined;
}

/** What happens to a message. */
export type MessageAction =
  | { readonly kind: "dropRequest" }
  | { readonly kind: "dropReply" }
  | { readonly kind: "delay"; readonly delay: Distribution }
  /** `copies`: how many more arrive, 1 or more. */
  | { readonly kind: "duplicate"; readonly copies: number }
  /** `byNs`: 1 or more; what is held for no time is overtaken by nothing. */
  | { readonly kind: "reorder"; readonly byNs: number }
  | { readonly kind: "error"; readonly definite: boolean };

/** A CPU that is drawn each time the fault begins. */
export const ANY_CPU = "any";
export type CpuChoice = number | typeof ANY_CPU;

/** What happens to a process, its links, its clock, or a resource of the host. */
export type HostAction =
  | { readonly kind: "stall"; readonly cpu: CpuChoice }
  | { readonly kind: "partition"; readonly cpu: CpuChoice }
  | { readonly kind: "crash"; readonly cpu: CpuChoice; readonly when: CrashMoment }
  | { readonly kind: "crashL0" }
  | { readonly kind: "stopBus" }
  | {
      readonly kind: "clockSkew";
      /** Whose clock. */
      readonly clock: number | "l0";
      /** Parts per million that it runs too fast; negative: too slow. */
      readonly ppm: number;
      /** Nanoseconds that it jumps when the fault begins; negative: back. */
      readonly offsetNs: number;
    }
  | { readonly kind: "refuseAllocation"; readonly what: "node" | "page"; readonly times: number }
  | { readonly kind: "offline"; readonly cpu: CpuChoice }
  | { readonly kind: "online"; readonly cpu: number };

/**
 * `beforeFlush` and `afterFlush` wait for the next batch with a VMCLEAR for that CPU: it dies before it executes anything of the batch, or when it has
 * executed all of it and before the completion leaves.
 */
export type CrashMoment = "now" | "beforeFlush" | "afterFlush";

export type FaultAction = MessageAction | HostAction;
export type FaultKind = FaultAction["kind"];

/** When a fault begins: `at` nanoseconds after the workload's start (0 if neither is given), or at the `nth` (1) event of a kind, counted from that start. */
export interface FaultStart {
  readonly at?: number | undefined;
  /** `event` is an EventKind of `@vmcslab/history`. */
  readonly on?: { readonly event: string; readonly nth?: number | undefined } | undefined;
}

interface FaultBase extends FaultStart {
  /** Unique among the faults of a run. */
  readonly name?: string | undefined;
  /** The lease, in nanoseconds, after which it ends by itself; absent: when the workload ends. */
  readonly forNs?: number | undefined;
  /** It begins again, `every` (ns) after each end, until it has begun so many times. Needs a lease. */
  readonly repeat?: { readonly times: number; readonly every: Distribution } | undefined;
}

export interface MessageFault extends FaultBase {
  readonly match: FaultMatch;
  readonly action: MessageAction;
}

export interface HostFault extends FaultBase {
  readonly match?: undefined;
  readonly action: HostAction;
}

export type Fault = MessageFault | HostFault;

export function isMessageFault(fault: Fault): fault is MessageFault {
  return fault.match !== undefined;
}

/** What `fault.injected` and `fault.healed` call it: its name, or its kind and its place in the list of all faults. */
export function faultName(fault: Fault, index: number): string {
  return fault.name ?? `${fault.action.kind}#${index}`;
}
