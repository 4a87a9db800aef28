/** A run that violates a rule, for people. */
import { RULES } from "@vmcslab/history";
import type { Finding } from "@vmcslab/lab/explore";
import {
  describeFault,
  describeHost,
  describeOperation,
  drawPicture,
  EXPLORER_RULES,
  PICTURE_LEGEND,
  type Plan,
  type PlanViolation,
  sizeOf,
} from "@vmcslab/sim";
import { formatEvent } from "./event-line.js";
import { Palette } from "./palette.js";

export function formatFinding(
  { seed, drawn, recording, file: { plan, rule, message } }: Finding,
  file: string,
  colour: boolean,
): string {
  const palette = new Palette(colour);
  const before = sizeOf(drawn);
  const { violation } = recording.outcome;
  const lines = [
    palette.head(`seed ${seed} violates ${rule}: ${ruleSays(rule)}`),
    `  ${message}`,
    "",
    `shrunk from ${before.operations} operations and ${before.faults} faults to:`,
    ...formatPlan(plan),
    "",
    ...drawPicture(recording),
    PICTURE_LEGEND,
    "",
    ...(violation === undefined ? [] : formatEvidence(violation)),
    `again: vmcslab replay ${file}`,
    "",
  ];
  return `${lines.join("\n")}\n`;
}

/** The host, its operations and its faults, a line each. */
export function formatPlan(plan: Plan): string[] {
  const times = plan.operations.map(({ atNs }) => `${atNs / 1e6}`);
  const width = Math.max(0, ...times.map((time) => time.length));
  return [
    `  ${describeHost(plan)}`,
    ...plan.operations.map(
      (operation, index) => `  #${index + 1}  ${times[index]?.padStart(width)} ms  ${describeOperation(operation)}`,
    ),
    ...plan.faults.map((fault, index) => `  fault ${describeFault(fault, index)}`),
  ];
}

/** What a rule demands, of the sanitizer's or the explorer's own. */
export function ruleSays(rule: string): string {
  for (const [name, { says }] of Object.entries(RULES)) if (name === rule) return says;
  for (const [name, says] of Object.entries(EXPLORER_RULES)) if (name === rule) return says;
  return "a rule that this version does not have";
}

/** The events that contradict, by their numbers in the picture. */
export function formatEvidence({ violation }: PlanViolation): string[] {
  if (violation === undefined) return [];
  const { events } = violation;
  const head =
    events.length === 1 ? "the event that contradicts what is known:" : "the events that contradict each other:";
  return [head, ...events.map((event, index) => `  [${index + 1}] ${formatEvent(event)}`), ""];
}
