/** What each action means, what happens when its lease ends, and how long that is if nothing is said. docs/faults.md is made from it. */
import type { FaultKind } from "./fault.js";

const SECOND = 1_000_000_000;

/** How long `reorder` holds a message, and how many copies `duplicate` makes, if nothing is said. */
export const REORDER_BY_NS = 10_000_000;
export const DUPLICATE_COPIES = 1;

export interface ActionMeaning {
  /** `messages`: needs a `match`. `host`: has none. */
  readonly strikes: "messages" | "host";
  readonly meaning: string;
  /** When the lease, or the workload, ends. */
  readonly end: string;
  /** Nanoseconds; absent: until the workload ends. */
  readonly leaseNs?: number;
}

const LATER_MESSAGES = "later messages pass";

export const FAULT_ACTIONS: Readonly<Record<FaultKind, ActionMeaning>> = {
  dropRequest: {
    strikes: "messages",
    meaning: "the message is lost on the way; its sender learns nothing",
    end: LATER_MESSAGES,
  },
  dropReply: {
    strikes: "messages",
    meaning: "the request (`batch`, `beat`) is executed, and its reply is lost; replies themselves do not match",
    end: LATER_MESSAGES,
  },
  delay: {
    strikes: "messages",
    meaning:
      "the message arrives later, by a time drawn from a distribution; what follows it on the same link waits behind it",
    end: "later messages are not delayed; those on the way still are",
  },
  duplicate: {
    strikes: "messages",
    meaning: "the message arrives once and then `copies` times more, right behind each other",
    end: LATER_MESSAGES,
  },
  reorder: {
    strikes: "messages",
    meaning: "the message is held for `by`, and what follows it on the same link overtakes it",
    end: "later messages are not held; those held arrive when their time is over",
  },
  error: {
    strikes: "messages",
    meaning:
      "the request (`batch`, `beat`) is lost and its sender is told so (`definite: true`), or it arrives and its sender is told that nobody knows (`definite: false`)",
    end: LATER_MESSAGES,
  },
  stall: {
    strikes: "host",
    meaning: "the CPU's process does nothing, as under SIGSTOP: its links stay, and its clock goes on",
    end: "it goes on where it was; what arrived meanwhile it reads then",
    leaseNs: SECOND,
  },
  partition: {
    strikes: "host",
    meaning: "no message between the CPU and L0 arrives, in either direction; both live, and events still reach trace",
    end: "messages pass again; those sent meanwhile are lost",
    leaseNs: SECOND,
  },
  crash: {
    strikes: "host",
    meaning:
      "the CPU's process dies with all that it cached: `now`, or at the next batch with a VMCLEAR for it, before that executes (`beforeFlush`) or after it executed and before its completion leaves (`afterFlush`)",
    end: "the process starts again, as a new incarnation that knows nothing; counted from its death",
    leaseNs: SECOND,
  },
  crashL0: {
    strikes: "host",
    meaning: "L0's process dies with all that it remembered",
    end: "it starts again, with what a restarted L0 recovers",
    leaseNs: SECOND,
  },
  stopBus: {
    strikes: "host",
    meaning: "events reach nobody; sources buffer them and drop what does not fit",
    end: "the bus takes events again, the buffered ones first",
    leaseNs: SECOND,
  },
  clockSkew: {
    strikes: "host",
    meaning: "a clock jumps by `offset` and then runs fast by `ppm`; both may be negative",
    end: "the clock runs at its true rate again and keeps the difference that it has",
  },
  refuseAllocation: {
    strikes: "host",
    meaning: "the next `times` allocations of a pool node or of a page fail",
    end: "allocations succeed again",
  },
  offline: {
    strikes: "host",
    meaning: "the CPU is taken offline on request: every VMCS on it is cleared first",
    end: "it is brought online again; without a lease it stays offline",
  },
  online: {
    strikes: "host",
    meaning: "an offline CPU is brought up again",
    end: "it is over when it has happened, so it takes no `for`",
  },
};

/** What a message is: its kind, or for a batch also each instruction in it. */
export const METHODS = {
  batch: "L0 → CPU: instructions to execute",
  completion: "CPU → L0: what a batch came to",
  beat: "CPU → L0: a CPU's heartbeat",
  grant: "L0 → CPU: the answer to a beat, which renews the CPU's lease",
  vmxon: "a batch with VMXON",
  vmxoff: "a batch with VMXOFF",
  vmptrld: "a batch with VMPTRLD",
  vmclear: "a batch with VMCLEAR",
  vmwrite: "a batch with VMWRITE",
  vmread: "a batch with VMREAD",
  vmlaunch: "a batch with VMLAUNCH",
  vmresume: "a batch with VMRESUME",
  guestExit: "a batch with which a guest leaves",
  interrupt: "a batch with an inter-processor interrupt: every cross-CPU clear has one",
} as const;
