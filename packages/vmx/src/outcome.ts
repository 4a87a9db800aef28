/** How an instruction ended. Architectural failure is a value, never a thrown error. */

export const Status = {
  succeed: 0,
  failInvalid: 1,
  failValid: 2,
  exception: 3,
  /** VMLAUNCH or VMRESUME reached the guest. */
  vmentry: 4,
  /** From non-root to root operation, or an entry that failed on guest state or MSR loading. */
  vmexit: 5,
} as const;

export type StatusName = keyof typeof Status;
export type StatusCode = (typeof Status)[StatusName];

/** Exception vectors (SDM table 6-1). */
export const Vector = { invalidOpcode: 6, generalProtection: 13 } as const;

/**
 * Belongs to its processor, which overwrites it with every instruction. Only what the status calls for is meaningful.
 */
export class Outcome {
  status: StatusCode = Status.succeed;
  /** failValid: VM-instruction error number (SDM 30.4). */
  error = 0;
  /** exception. */
  vector = 0;
  errorCode = 0;
  /** The instruction produced a value, in low and high: VMREAD, VMPTRST, RDMSR. */
  hasValue = false;
  low = 0;
  high = 0;
  /** vmexit: basic exit reason. */
  reason = 0;
  qualificationLow = 0;
  qualificationHigh = 0;
  /** vmexit: the entry failed; bit 31 of the exit-reason field is set. */
  entryFailure = false;
  /** A rule of the manual that software broke with this instruction, from Hazard; 0 when none. */
  hazard = 0;
}
