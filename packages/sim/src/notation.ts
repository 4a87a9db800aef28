/** How batches are written for people: in scenarios, and in pictures of simulated runs. */
import type { BatchInstruction, InstructionResult } from "@vmcslab/nested";

/** Names VMCSs by identity: `vmcs3`. */
export type NameRegion = (region: number) => string;

export interface StepStyle {
  readonly nameRegion: NameRegion;
  /** Every VMPTRLD and VMCLEAR says of which activation it is: `vmcs2(e3)`. Otherwise only a VMPTRLD with an image does. */
  readonly epochs?: boolean;
}

/** One step of a batch that was executed, and how it ended unless that goes without saying. Empty: nothing happened. */
export function renderStep(
  step: BatchInstruction | undefined,
  result: InstructionResult,
  { nameRegion, epochs = false }: StepStyle,
): string {
  switch (step?.kind) {
    case "vmptrld": {
      const epoch = epochs ? `(e${step.epoch})` : step.image === undefined ? "" : `(epoch ${step.epoch})`;
      return `vmptrld ${nameRegion(step.region)}${epoch}${suffix(result, "succeed")}`;
    }
    case "vmclear": {
      const notes = [...(epochs && step.epoch !== 0 ? [`e${step.epoch}`] : []), ...launchState(step.epoch, result)];
      return `vmclear ${nameRegion(step.region)}${suffix(result, "succeed")}${notes.length === 0 ? "" : `(${notes.join(", ")})`}`;
    }
    case "vmwrite":
      return `vmwrite×${step.fields.encodings.length}${suffix(result, "succeed")}`;
    case "vmread":
      return `vmread×${step.encodings.length}${suffix(result, "succeed")}`;
    case "vmlaunch":
    case "vmresume":
      return `${step.kind}${suffix(result, "vmentry")}`;
    case "guestExit":
      return `exit(${step.reason})${suffix(result, "vmexit")}`;
    case "interrupt":
      return result.status === "skipped" ? "" : "interrupt→exit";
    case "resumeInterrupted":
      return result.status === "skipped" ? "" : `vmresume${suffix(result, "vmentry")}`;
    default:
      return `${step?.kind}${suffix(result, "succeed")}`;
  }
}

/** One step as it was asked for, with what nobody knows yet left out. */
export function renderRequest(step: BatchInstruction, nameRegion: NameRegion): string {
  switch (step.kind) {
    case "vmptrld":
      return `vmptrld ${nameRegion(step.region)}(e${step.epoch})`;
    case "vmclear":
      return `vmclear ${nameRegion(step.region)}(${step.epoch === 0 ? "first" : `e${step.epoch}`})`;
    case "vmwrite":
      return `vmwrite×${step.fields.encodings.length}`;
    case "vmread":
      return `vmread×${step.encodings.length}`;
    case "guestExit":
      return `exit(${step.reason})`;
    case "resumeInterrupted":
      return "resume";
    default:
      return step.kind;
  }
}

function launchState(epoch: number, result: InstructionResult): string[] {
  if (epoch === 0) return ["first"];
  return result.status === "succeed" ? [`was ${result.launched === true ? "launched" : "clear"}`] : [];
}

function suffix(result: InstructionResult, expected: string): string {
  const failed = result.entryFailure === true;
  if (result.status === expected && !failed) return "";
  const detail = result.error ?? result.reason;
  return `→${failed ? "entryFailure" : result.status}${detail === undefined ? "" : ` ${detail}`}`;
}
