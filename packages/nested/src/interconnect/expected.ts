import type { BatchInstruction, InstructionResult } from "./batch.js";

/** Whether a result is what lets a batch go on. L0 and the CPUs judge by this one rule. */
export function isExpected(instruction: BatchInstruction, result: InstructionResult): boolean {
  switch (instruction.kind) {
    case "vmlaunch":
    case "vmresume":
      return result.status === "vmentry";
    case "guestExit":
      return result.status === "vmexit" && result.entryFailure !== true;
    case "interrupt":
      return result.status === "vmexit" || result.status === "skipped";
    case "resumeInterrupted":
      return result.status === "vmentry" || result.status === "skipped";
    case "vmclear":
      return result.status === "succeed" || result.status === "notMine";
    default:
      return result.status === "succeed";
  }
}
