/** What a workload saw go wrong. */
import type { OperationError } from "@vmcslab/nested";

/** Something that must be true was not: what L1 saw contradicts what it must see. */
export interface WorkloadViolation {
  /** Number of the invariant in the design. `l1Outcome` is a check of its own and has none: many things can be behind it. */
  readonly invariant?: number;
  readonly check: "lostUpdate" | "l1Outcome" | "vcpusLeft";
  readonly message: string;
}

/** An operation that L0 did not carry out. */
export interface FailedOperation extends OperationError {
  readonly operation: string;
  readonly vcpu?: number;
  /** Faults had been injected by then, which may well be why: it takes nothing from the evidence. */
  readonly underFaults?: true;
}

/** Kept of each; the counts go on. */
const KEPT_MAX = 100;

export class Findings {
  readonly violations: WorkloadViolation[] = [];
  readonly failures: FailedOperation[] = [];
  /** Why a part of the workload was not done, in words. */
  readonly gaps: string[] = [];
  violationCount = 0;
  failureCount = 0;
  /** Those that no fault explains. */
  unexplainedCount = 0;
  readonly #isExplained: (failure: FailedOperation) => boolean;

  /** `isExplained`: whether what was done to the host on purpose may be why an operation failed. Default: nothing was. */
  constructor(isExplained: (failure: FailedOperation) => boolean = () => false) {
    this.#isExplained = isExplained;
  }

  violation(violation: WorkloadViolation): void {
    this.violationCount++;
    if (this.violations.length < KEPT_MAX) this.violations.push(violation);
  }

  gap(why: string): void {
    if (this.gaps.length < KEPT_MAX) this.gaps.push(why);
  }

  failure(failure: FailedOperation): void {
    const isExplained = this.#isExplained(failure);
    this.failureCount++;
    if (!isExplained) this.unexplainedCount++;
    if (this.failures.length < KEPT_MAX) this.failures.push(isExplained ? { ...failure, underFaults: true } : failure);
  }
}
