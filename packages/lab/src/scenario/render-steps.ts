import type { Batch, Completion } from "@vmcslab/nested";
import { type NameRegion, renderStep } from "@vmcslab/sim";

export type { NameRegion };

/** `interrupt→exit vmclear vmcs3(was launched) vmresume`: the steps of a batch that were executed, with their results. */
export function renderSteps({ instructions }: Batch, { results }: Completion, nameRegion: NameRegion): string[] {
  if (instructions.length === 0) return ["(withdrawn)"];
  const steps = results
    .map((result, i) => renderStep(instructions[i], result, { nameRegion }))
    .filter((step) => step !== "");
  const skipped = instructions.length - results.length;
  return [...steps, ...(skipped > 0 ? [`(${skipped} not executed)`] : [])];
}
