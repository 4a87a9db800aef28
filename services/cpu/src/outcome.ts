import { cpuWire } from "@vmcslab/runtime";
import { type Outcome, Status, type StatusCode } from "@vmcslab/vmx";

const { OutcomeStatus } = cpuWire;

const STATUS: Readonly<Record<StatusCode, cpuWire.OutcomeStatus>> = {
  [Status.succeed]: OutcomeStatus.SUCCEED,
  [Status.failInvalid]: OutcomeStatus.FAIL_INVALID,
  [Status.failValid]: OutcomeStatus.FAIL_VALID,
  [Status.exception]: OutcomeStatus.EXCEPTION,
  [Status.vmentry]: OutcomeStatus.VMENTRY,
  [Status.vmexit]: OutcomeStatus.VMEXIT,
};

/** An outcome as its message, with what its status calls for and nothing else. */
export function outcomeToWire(outcome: Outcome): cpuWire.Outcome {
  const exited = outcome.status === Status.vmexit;
  return {
    status: STATUS[outcome.status],
    error: outcome.status === Status.failValid ? outcome.error : undefined,
    vector: outcome.status === Status.exception ? outcome.vector : undefined,
    reason: exited ? outcome.reason : undefined,
    entryFailure: exited ? outcome.entryFailure : undefined,
    qualification: exited ? joined(outcome.qualificationLow, outcome.qualificationHigh) : undefined,
  };
}

/** The value that an instruction produced, if it did. */
export function producedValue(outcome: Outcome): bigint | undefined {
  return outcome.hasValue ? joined(outcome.low, outcome.high) : undefined;
}

function joined(low: number, high: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low);
}
