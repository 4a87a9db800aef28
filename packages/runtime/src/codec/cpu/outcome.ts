import { HAZARD_RULES, Hazard, type Outcome, type Processor, Status, type StatusName } from "@vmcslab/vmx";
import {
  type BrokenRule,
  OutcomeStatus,
  type ExecuteResult as WireExecuteResult,
  type Outcome as WireOutcome,
} from "../../generated/vmcslab/v1/cpu.js";
import { joined } from "../halves.js";
import { NameCodec } from "../names.js";
import { defined, required, toNumber } from "../numbers.js";

/** How an instruction ended, and where it left its processor, as a client of CpuService learns it. */
export interface CpuOutcome {
  readonly status: StatusName;
  /** VM-instruction error number. */
  readonly error?: number;
  readonly vector?: number;
  /** Of the exception, when it is not 0. */
  readonly errorCode?: number;
  readonly reason?: number;
  readonly entryFailure?: boolean;
  readonly qualification?: bigint;
  /** What was read. */
  readonly value?: bigint;
  readonly brokenRule?: BrokenRule;
  readonly vmxOperation: boolean;
  /** The VMCS that is current afterwards. */
  readonly current?: number;
  /** Where the guest starts that was entered. */
  readonly guestRip?: bigint;
}

const STATUS = new NameCodec<StatusName, OutcomeStatus>("outcome status", {
  succeed: OutcomeStatus.SUCCEED,
  failInvalid: OutcomeStatus.FAIL_INVALID,
  failValid: OutcomeStatus.FAIL_VALID,
  exception: OutcomeStatus.EXCEPTION,
  vmentry: OutcomeStatus.VMENTRY,
  vmexit: OutcomeStatus.VMEXIT,
});

const NAME_OF_STATUS: readonly StatusName[] = ["succeed", "failInvalid", "failValid", "exception", "vmentry", "vmexit"];

/** With what the status calls for and nothing else, and the state of the processor that it left. */
export function cpuOutcomeToWire(outcome: Outcome, processor: Processor, guestRip: bigint | undefined): WireOutcome {
  const { status } = outcome;
  const raised = status === Status.exception;
  const exited = status === Status.vmexit;
  const { currentVmcs } = processor;
  return {
    status: STATUS.toWire(NAME_OF_STATUS[status] ?? "succeed"),
    error: status === Status.failValid ? outcome.error : undefined,
    vector: raised ? outcome.vector : undefined,
    errorCode: raised && outcome.errorCode !== 0 ? outcome.errorCode : undefined,
    reason: exited ? outcome.reason : undefined,
    entryFailure: exited ? outcome.entryFailure : undefined,
    qualification: exited ? joined(outcome.qualificationLow, outcome.qualificationHigh) : undefined,
    brokenRule: brokenRule(outcome.hazard),
    vmxOperation: processor.inVmxOperation,
    current: currentVmcs < 0 ? undefined : BigInt(currentVmcs),
    guestRip: status === Status.vmentry ? guestRip : undefined,
  };
}

/** The value that an instruction produced, if it did. */
export function producedValue(outcome: Outcome): bigint | undefined {
  return outcome.hasValue ? joined(outcome.low, outcome.high) : undefined;
}

export function brokenRule(hazard: number): BrokenRule | undefined {
  return hazard === Hazard.none ? undefined : HAZARD_RULES[hazard];
}

/** Throws {@link InvalidMessage} for a response without an outcome, or with one that has no status. */
export function cpuOutcomeFromWire({
  outcome,
  value,
}: {
  outcome?: WireExecuteResult["outcome"];
  value?: bigint | undefined;
}): CpuOutcome {
  const wire = required(outcome, "outcome");
  const { error, vector, errorCode, reason, entryFailure, qualification, vmxOperation, guestRip } = wire;
  const current = wire.current === undefined ? undefined : toNumber(wire.current, "current VMCS");
  return {
    status: STATUS.fromWire(wire.status),
    vmxOperation,
    ...defined({ error, vector, errorCode, reason, entryFailure, qualification, value, current, guestRip }),
    ...defined({ brokenRule: wire.brokenRule }),
  };
}
