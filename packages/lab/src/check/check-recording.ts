/** The sanitizer over recorded events, and what its report means where sources did not say how far they got. */
import {
  type CheckReport,
  type HistoryEvent,
  mergeAsyncStreams,
  RULES,
  Sanitizer,
  type Verdict,
  type Violation,
} from "@vmcslab/history";
import type { Recording } from "./recording.js";

export interface RecordingCheck {
  readonly verdict: Verdict;
  /** Why the evidence is not complete, one sentence each. */
  readonly doubts: readonly string[];
  /** The first ones, as many as the sanitizer keeps: those that stand, and those that missing events could explain. */
  readonly proven: readonly Violation[];
  readonly doubtful: readonly Violation[];
  /** All that stand, and all that missing events could explain, kept or not. */
  readonly violationCount: number;
  readonly possibleCount: number;
  readonly report: CheckReport;
}

const UNSTATED: Recording = { positions: [], silent: [] };

/**
 * Checks event streams, one per life of a source, in one pass. With a source that did not say where it or an earlier life of it ended, or when nobody was
 * asked (no `recording`), the history is not complete and open operations are no violations. `alsoTell` is told of every event too.
 */
export async function checkRecording(
  streams: Iterable<AsyncIterable<HistoryEvent>>,
  recording: Recording | undefined,
  alsoTell: (event: HistoryEvent) => void = () => undefined,
): Promise<RecordingCheck> {
  const { positions, silent, unended = [], beginnings = [], sharedClock = false } = recording ?? UNSTATED;
  const sanitizer = new Sanitizer({ sharedClock });
  for (const beginning of beginnings) sanitizer.begins(beginning, beginning.published);
  for await (const event of mergeAsyncStreams(streams)) {
    sanitizer.observe(event);
    alsoTell(event);
  }
  for (const position of positions) sanitizer.published(position, position.published);
  const unreliable = [...new Set([...silent, ...unended.map(({ source }) => source)])];
  const report = sanitizer.finish({ complete: recording !== undefined && unreliable.length === 0 });
  return { ...judge(report, unreliable), report };
}

/** What missing events could explain is no violation, but a doubt. */
function judge(
  { violations, violationsTotal, doubts }: CheckReport,
  unreliable: readonly string[],
): Omit<RecordingCheck, "report"> {
  const isProven = (violation: Violation) => violation.certain && !needsAnyOf(violation, unreliable);
  const proven = violations.filter(isProven);
  const doubtful = violations.filter((violation) => !isProven(violation));
  const violationCount = proven.length === 0 ? 0 : violationsTotal - doubtful.length;
  const isDoubtful = doubts.length > 0 || doubtful.length > 0;
  return {
    verdict: violationCount > 0 ? "invalid" : isDoubtful ? "unknown" : "valid",
    doubts,
    proven,
    doubtful,
    violationCount,
    possibleCount: violationsTotal - violationCount,
  };
}

/** What the sanitizer cannot know: these sources, or a life of theirs, went without saying how far they got. */
function needsAnyOf({ rule, cpus, events }: Violation, unreliable: readonly string[]): boolean {
  const { needs } = RULES[rule];
  if (needs === "every") return unreliable.length > 0;
  if (needs === "nothing") return false;
  const named = [...events.map(({ source }) => source), ...cpus.map((cpu) => `cpu${cpu}`)];
  return named.some((source) => unreliable.includes(source));
}
