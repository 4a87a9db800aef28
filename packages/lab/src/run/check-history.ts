/** The checkers over what trace recorded of a run. */
import type { CheckReport, Violation as FoundViolation, HistoryEvent } from "@vmcslab/history";
import { historyFiles, readHistory } from "@vmcslab/runtime";
import { checkRecording } from "../check/check-recording.js";
import type { Recording } from "../check/recording.js";
import { errorMessage } from "../errors.js";
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

/** Checks the history in a folder, in one pass. `alsoTell` is told of every event too. */
export async function checkRecordedHistory(
  directory: string,
  recording: Recording,
  alsoTell?: (event: HistoryEvent) => void,
): Promise<HistoryCheck> {
  try {
    const streams = (await historyFiles(directory)).map(readHistory);
    const { proven, doubtful, violationCount, doubts, report } = await checkRecording(streams, recording, alsoTell);
    const gaps = [...doubts, ...doubtful.map(({ message }) => `missing events may explain it: ${message}`)];
    return { violations: proven.map(toViolation), violationCount, counts: report.perKind, gaps };
  } catch (thrown) {
    const gaps = [`the history cannot be checked: ${errorMessage(thrown)}`];
    return { violations: [], violationCount: 0, counts: undefined, gaps };
  }
}

function toViolation({ invariant, rule, message, certain, vmcs, cpus, events }: FoundViolation): Violation {
  const at = events.map(({ source, seq }) => `${source}#${seq}`);
  return { invariant, check: rule, message, certain, ...(vmcs === undefined ? {} : { vmcs }), cpus, events: at };
}
