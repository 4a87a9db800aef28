/** `vmcslab check`: the sanitizer over the folder of a run that has ended, however long ago. */
import { type HistoryEvent, mergeAsyncStreams, RULES, type Verdict, type Violation } from "@vmcslab/history";
import { TruncatedHistory } from "@vmcslab/runtime";
import { UsageError } from "../errors.js";
import { type SurroundingEvent, Surroundings } from "./around.js";
import { checkRecording, type RecordingCheck } from "./check-recording.js";
import { type OpenHistory, openHistory, readEvents } from "./open-history.js";
import { describeSilence, readRecording } from "./recording.js";

export const CHECK_SCHEMA = "vmcslab.check/v1";

export interface CheckedViolation extends Violation {
  /** What the rule says when it is broken. */
  readonly says: string;
  /** The events that contradict, and those of the same VMCS around them. */
  readonly around: readonly SurroundingEvent[];
}

/** What `--json` prints; keys may be added, never changed. */
export interface RunCheck {
  readonly schema: typeof CHECK_SCHEMA;
  /** The folder of the event files. */
  readonly history: string;
  readonly verdict: Verdict;
  /** Why the evidence is not complete. */
  readonly doubts: readonly string[];
  readonly events: {
    readonly checked: number;
    readonly lost: number;
    readonly duplicates: number;
    readonly outOfOrder: number;
    /** Of CPUs whose life was over. */
    readonly posthumous: number;
  };
  /** Events per source. */
  readonly sources: Readonly<Record<string, number>>;
  /** Operations whose effect nobody knows. */
  readonly indefinite: number;
  /** The first ones; those that missing events could explain are not `certain`, and come last. */
  readonly violations: readonly CheckedViolation[];
  /** All that are certain, and all that missing events could explain, listed or not. */
  readonly violationCount: number;
  readonly possibleCount: number;
}

export interface CheckRunOptions {
  /** Events listed before and after each that contradicts. */
  readonly around: number;
  /** Violations listed with their events. */
  readonly listedMax: number;
}

/** Nobody stated anything: then what is there may not be all. */
const UNSTATED = ["no run says that this history is complete (no recording.json beside the events)"];

/** Throws UsageError for a folder without a history, or with a damaged one. */
export async function checkRun(folder: string, { around, listedMax }: CheckRunOptions): Promise<RunCheck> {
  const history = await openHistory(folder);
  const recording = await readRecording(history.directory);
  const check = await whole(checkRecording(streamsOf(history), recording));
  const listed = [...check.proven, ...check.doubtful].slice(0, listedMax);
  const surroundings = await whole(surround(history, listed, around));
  const violations = listed.map((violation, i) => ({
    ...violation,
    certain: check.proven.includes(violation),
    says: RULES[violation.rule].says,
    around: surroundings[i] ?? [],
  }));
  return { ...summaryOf(check, history, recording === undefined ? UNSTATED : describeSilence(recording)), violations };
}

function summaryOf(
  { verdict, doubts, violationCount, possibleCount, report }: RecordingCheck,
  { directory }: OpenHistory,
  unstated: readonly string[],
): Omit<RunCheck, "violations"> {
  const { events, lost, duplicates, outOfOrder, posthumous, indefinite, perSource } = report;
  return {
    schema: CHECK_SCHEMA,
    history: directory,
    verdict,
    doubts: [...unstated, ...doubts],
    events: { checked: events, lost, duplicates, outOfOrder, posthumous },
    sources: perSource,
    indefinite: indefinite.total,
    violationCount,
    possibleCount,
  };
}

/** A second pass, only when there is something to show. */
async function surround(
  history: OpenHistory,
  violations: readonly Violation[],
  each: number,
): Promise<(readonly SurroundingEvent[])[]> {
  if (violations.length === 0) return [];
  const surroundings = violations.map((violation) => new Surroundings(violation, each));
  for await (const event of mergeAsyncStreams(streamsOf(history)))
    for (const surrounding of surroundings) surrounding.observe(event);
  return surroundings.map(({ events }) => events);
}

function streamsOf({ files }: OpenHistory): AsyncGenerator<HistoryEvent>[] {
  return files.map(readEvents);
}

/** A file that was cut off says nothing about what it lost. */
async function whole<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (thrown) {
    if (!(thrown instanceof TruncatedHistory)) throw thrown;
    throw new UsageError(`${thrown.message}: it was cut off; vmcslab history prints what is whole`);
  }
}
