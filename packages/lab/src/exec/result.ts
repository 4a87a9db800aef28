/** What a program's line is answered with. */
import { type HazardRule, type Outcome, Status } from "@vmcslab/vmx";

/**
 * Keys appear in this order, and only those that the status calls for. Numbers of up to 64 bits are hexadecimal
 * strings.
 */
export interface ExecResult {
  readonly status: "succeed" | "failInvalid" | "failValid" | "exception" | "vmentry" | "vmexit";
  /** failValid: VM-instruction error number. */
  readonly error?: number;
  /** exception. */
  readonly vector?: number;
  /** exception: when not 0. */
  readonly errcode?: number;
  /** What was read. */
  readonly value?: string;
  /** vmexit: basic exit reason. */
  readonly reason?: number;
  /** vmexit: exit qualification. */
  readonly qual?: string;
  /** vmexit: the entry failed. */
  readonly entryFailure?: true;
}

/** A result, and the rule of the manual that the operation broke, if any. */
export interface ExecAnswer {
  readonly result: ExecResult;
  readonly hazard?: HazardRule;
}

export const SUCCEED: ExecResult = { status: "succeed" };

export function hexadecimal(low: number, high: number): string {
  return high === 0 ? `0x${low.toString(16)}` : `0x${high.toString(16)}${low.toString(16).padStart(8, "0")}`;
}

export function resultOf(outcome: Outcome): ExecResult {
  switch (outcome.status) {
    case Status.succeed:
      return outcome.hasValue ? { status: "succeed", value: hexadecimal(outcome.low, outcome.high) } : SUCCEED;
    case Status.failInvalid:
      return { status: "failInvalid" };
    case Status.failValid:
      return { status: "failValid", error: outcome.error };
    case Status.exception:
      return {
        status: "exception",
        vector: outcome.vector,
        ...(outcome.errorCode !== 0 && { errcode: outcome.errorCode }),
      };
    case Status.vmentry:
      return { status: "vmentry" };
    case Status.vmexit:
      return exitResult(outcome);
  }
}

function exitResult(outcome: Outcome): ExecResult {
  const qual = hexadecimal(outcome.qualificationLow, outcome.qualificationHigh);
  return { status: "vmexit", reason: outcome.reason, qual, ...(outcome.entryFailure && { entryFailure: true }) };
}
