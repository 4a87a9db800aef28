/** The checkers over what trace recorded. */
import {
  type CheckReport,
  type Violation as FoundViolation,
  mergeAsyncStreams,
  RULES,
  Sanitizer,
} from "@vmcslab/history";
import { historyFiles, readHistory } from "@vmcslab/runtime";
import { errorMessage } from "../errors.js";
import type { Settlement } from "../target/target.js";
import type { Violation } from "./result.js";

export interface HistoryCheck {
  /** The first ones, as many as the checkers keep. */
  readonly violations: readonly Violation[];
  readonly violationCount: number;
  /** Events per kind. */
  readonly counts: CheckReport["perKind"] | undefined;
  /** Why it says nothing for certain. */
  readonly gaps: readonly string[];
}

/** Checks the history in a folder, in one pass. With a source that did not say where it ended, open operations are no violations. */
export async function checkRecordedHistory(
  directory: string,
  { positions, silent, beginnings = [] }: Pick<Settlement, "positions" | "silent" | "beginnings">,
): Promise<HistoryCheck> {
  try {
    const sanitizer = new Sanitizer();
    for (const beginning of beginnings) sanitizer.begins(beginning, beginning.published);
    for await (const event of mergeAsyncStreams((await historyFiles(directory)).map(readHistory)))
      sanitizer.observe(event);
    for (const position of positions) sanitizer.published(position, position.published);
    return summarize(sanitizer.finish({ complete: silent.length === 0 }), silent);
  } catch (thrown) {
    const gaps = [`the history cannot be checked: ${errorMessage(thrown)}`];
    return { violations: [], violationCount: 0, counts: undefined, gaps };
  }
}

/** What missing events could explain is no violation, but a doubt. */
function summarize(
  { violations, violationsTotal, doubts, perKind }: CheckReport,
  silent: readonly string[],
): HistoryCheck {
  const isProven = (violation: FoundViolation) => violation.certain && !needsAnyOf(violation, silent);
  const proven = violations.filter(isProven);
  const doubtful = violations.filter((violation) => !isProven(violation));
  return {
    violations: proven.map(toViolation),
    violationCount: proven.length === 0 ? 0 : violationsTotal - doubtful.length,
    counts: perKind,
    gaps: [...doubts, ...doubtful.map(({ message }) => `missing events may explain it: ${message}`)],
  };
}

/** What the checkers cannot know: these sources went without saying how far they got. */
function needsAnyOf({ rule, cpus, events }: FoundViolation, silent: readonly string[]): boolean {
  const { needs } = RULES[rule];
  if (needs === "every") return silent.length > 0;
  if (needs === "nothing") return false;
  const named = [...events.map(({ source }) => source), ...cpus.map((cpu) => `cpu${cpu}`)];
  return named.some((source) => silent.includes(source));
}

function toViolation({ invariant, rule, message, certain, cpus, events }: FoundViolation): Violation {
  const at = events.map(({ source, seq }) => `${source}#${seq}`);
  return { invariant, check: rule, message, certain, cpus, events: at };
}
