/**
 * Every rule that the sanitizer checks: the invariant it belongs to (numbers of docs/invariants.md), what it says when it is broken, and which
 * part of the evidence a finding needs. `nothing`: the event contradicts itself. `named`: the sources it names, and L0. `every`: all sources.
 */
export const RULES = {
  "active-twice": { invariant: 1, needs: "named", says: "a VMCS is loaded on a CPU while it is active on another" },
  "outlives-lease": {
    invariant: 1,
    needs: "nothing",
    says: "a CPU uses a VMCS after its fence deadline passed, or after its own lease ended",
  },

  "launch-not-clear": { invariant: 2, needs: "named", says: "VMLAUNCH of a VMCS that is launched" },
  "resume-not-launched": { invariant: 2, needs: "named", says: "VMRESUME of a VMCS that is clear" },
  "entry-refused": {
    invariant: 2,
    needs: "nothing",
    says: "a CPU refused an entry for the VMCS's launch state (errors 4 and 5)",
  },
  "entry-not-current": { invariant: 2, needs: "named", says: "an entry with a VMCS that is not current on that CPU" },
  "launch-state": {
    invariant: 2,
    needs: "named",
    says: "a CPU reports another launch state than its earlier events imply",
  },

  "freed-active": { invariant: 3, needs: "named", says: "a region is freed while it is active on a CPU" },
  "allocated-active": { invariant: 3, needs: "named", says: "a region is handed out while it is active on a CPU" },
  "allocated-twice": { invariant: 3, needs: "named", says: "a region is handed out that was not freed" },
  "loaded-freed": { invariant: 3, needs: "named", says: "a freed region is loaded" },
  "crash-left-active": {
    invariant: 3,
    needs: "named",
    says: "a VMCS is active after crash clear-all on a CPU that answered it",
  },

  "stale-load": { invariant: 4, needs: "every", says: "a load reads other contents than were last written to memory" },
  "lost-update": {
    invariant: 4,
    needs: "every",
    says: "a load follows the loss of unflushed contents that nobody declared lost",
  },
  "vmxoff-active": { invariant: 4, needs: "named", says: "L0 executes VMXOFF on a CPU where a VMCS is active" },
  "not-read": {
    invariant: 4,
    needs: "named",
    says: "a load does not read from memory though the VMCS is not active on that CPU",
  },
  "read-again": {
    invariant: 4,
    needs: "named",
    says: "a load reads from memory though the VMCS is active on that CPU",
  },
  "write-not-current": { invariant: 4, needs: "named", says: "VMWRITEs to a VMCS that is not current on that CPU" },
  "epoch-not-raised": {
    invariant: 4,
    needs: "named",
    says: "an activation's epoch is not greater than that of the one before",
  },
  "wrong-epoch": {
    invariant: 4,
    needs: "named",
    says: "a load or write-back carries another epoch than the activation",
  },

  "pool-duplicate": { invariant: 5, needs: "nothing", says: "a pool holds two entries for one vmcs12" },
  "pool-over-capacity": { invariant: 5, needs: "nothing", says: "a pool holds more than max(size, 1) entries" },
  "pool-order": {
    invariant: 5,
    needs: "named",
    says: "a pool's order is not the recency of use that its history implies",
  },
  "pool-victim": { invariant: 5, needs: "named", says: "a recycle takes another entry than the least recently used" },
  "pool-vmcs": {
    invariant: 5,
    needs: "named",
    says: "an entry's hardware VMCS is not the one that the pool's history implies",
  },

  "record-cpu": {
    invariant: 6,
    needs: "named",
    says: "with nothing in flight, L0's record names another CPU than the truth",
  },
  "record-launched": {
    invariant: 6,
    needs: "named",
    says: "with nothing in flight, L0's record has another launch state than the CPU",
  },

  "outlives-active": {
    invariant: 7,
    needs: "named",
    says: "a VMCS is active after its vcpu was destroyed, or its L1 executed VMXOFF",
  },
  "outlives-allocated": {
    invariant: 7,
    needs: "named",
    says: "a VMCS is allocated after its vcpu was destroyed, or its L1 executed VMXOFF",
  },

  "never-ended": { invariant: 8, needs: "named", says: "an operation did not end" },
  "ended-unbegun": { invariant: 8, needs: "named", says: "an operation ends that is not open" },
  "begun-twice": { invariant: 8, needs: "named", says: "an operation begins that is open" },
  "succeeded-after-crash": { invariant: 8, needs: "nothing", says: "an operation succeeds after crash clear-all" },
} as const satisfies Readonly<Record<string, RuleText>>;

export type InvariantNumber = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

interface RuleText {
  readonly invariant: InvariantNumber;
  readonly needs: "nothing" | "named" | "every";
  readonly says: string;
}

export type Rule = keyof typeof RULES;
