/** The check of a recorded history for people. */
import type { CheckedViolation, RunCheck, SurroundingEvent } from "@vmcslab/lab/check";
import { formatEvent } from "./event-line.js";
import { Palette } from "./palette.js";

export function formatCheck(check: RunCheck, colour: boolean): string {
  const { history, verdict, doubts, violations } = check;
  const palette = new Palette(colour);
  const lines = [
    `${history}: ${palette.verdict(verdict)}`,
    formatEvents(check),
    formatSources(check),
    ...doubts.map((doubt) => `evidence is missing: ${doubt}`),
    ...violations.flatMap((violation) => ["", ...formatViolation(violation, palette)]),
    ...formatRest(check),
  ];
  return `${lines.join("\n")}\n`;
}

function formatEvents({ events, indefinite, violationCount, possibleCount }: RunCheck): string {
  const { checked, lost, duplicates, outOfOrder, posthumous } = events;
  const rare = [
    ...(outOfOrder === 0 ? [] : [`${outOfOrder} out of order`]),
    ...(posthumous === 0 ? [] : [`${posthumous} of CPUs that had been given up`]),
  ];
  const possible = possibleCount === 0 ? "" : `, ${possibleCount} possible`;
  const counts = [`${checked} events`, `${lost} lost`, `${duplicates} duplicates`, ...rare];
  return `${counts.join(", ")}; ${indefinite} operations ended indefinitely; ${violationCount} violations${possible}`;
}

function formatSources({ sources }: RunCheck): string {
  const names = Object.keys(sources).sort((left, right) => left.localeCompare(right, "en", { numeric: true }));
  const counts = names.map((name) => `${name} ${sources[name]}`);
  return `${names.length} sources: ${counts.join(", ")}`;
}

function formatViolation(violation: CheckedViolation, palette: Palette): string[] {
  const { invariant, rule, says, message, certain } = violation;
  const head = `${certain ? "violation" : "possible violation"} of invariant ${invariant} (${rule}): ${says}`;
  return [
    palette.head(head),
    `  ${message}`,
    ...formatNamed(violation),
    ...(certain ? [] : ["  missing events could explain it"]),
    ...violation.around.flatMap(formatSurrounding),
  ];
}

function formatNamed({ vmcs, cpus }: CheckedViolation): string[] {
  const named = [
    ...(vmcs === undefined ? [] : [`VMCS ${vmcs}`]),
    ...(cpus.length === 0 ? [] : [`CPU ${cpus.join(", ")}`]),
  ];
  return named.length === 0 ? [] : [`  ${named.join("; ")}`];
}

/** The events that contradict are marked. */
function formatSurrounding({ event, contradicts, skipped }: SurroundingEvent): string[] {
  const gap = skipped === 0 ? [] : [`      … ${skipped} more`];
  return [...gap, `  ${contradicts ? "▶" : " "} ${formatEvent(event)}`];
}

function formatRest({ violations, violationCount, possibleCount }: RunCheck): string[] {
  const hidden = violationCount + possibleCount - violations.length;
  return hidden > 0 ? ["", `and ${hidden} more`] : [];
}
