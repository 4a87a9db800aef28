import type { EventKind, HistoryEvent } from "../event.js";
import type { Evidence } from "./evidence.js";
import type { Findings } from "./findings.js";
import type { Violation } from "./violation.js";

export type Verdict = "valid" | "invalid" | "unknown";

/** What the sanitizer says of a history. */
export interface CheckReport {
  readonly verdict: Verdict;
  /** Why the verdict is unknown, one sentence each. Listed for the other verdicts too, where they did not decide. */
  readonly doubts: readonly string[];
  /** Distinct events. */
  readonly events: number;
  /** In the order in which they were found, at most as many as are stored. */
  readonly violations: readonly Violation[];
  readonly violationsTotal: number;
  readonly perKind: Readonly<Record<EventKind, number>>;
  /** Events that each CPU published, by its number. CPUs of several hosts with one number count together. */
  readonly perCpu: Readonly<Record<number, number>>;
  /** Events that each source published, by its name; as for `perCpu`, whatever its host. */
  readonly perSource: Readonly<Record<string, number>>;
  readonly lost: number;
  readonly duplicates: number;
  /** Events that came after a greater number of their source. */
  readonly outOfOrder: number;
  /** Events of CPUs after L0 had given them up, or their own lease had ended; judged only by `outlives-lease`. */
  readonly posthumous: number;
  /** Operations whose effect nobody knows: allowed, and listed. */
  readonly indefinite: { readonly total: number; readonly events: readonly HistoryEvent[] };
}

interface Basis {
  readonly complete: boolean;
  readonly events: number;
  readonly fromL0: boolean;
  readonly evidence: Evidence;
  readonly findings: Findings;
}

/** One certain violation makes a history invalid, whatever else is missing. Without one, any doubt makes it unknown. */
export function decide(basis: Basis): Pick<CheckReport, "verdict" | "doubts"> {
  const doubts = [...findDoubts(basis)];
  if (basis.findings.hasCertain(basis.evidence)) return { verdict: "invalid", doubts };
  return { verdict: doubts.length === 0 ? "valid" : "unknown", doubts };
}

function* findDoubts({ complete, events, fromL0, evidence, findings }: Basis): Generator<string> {
  const { lost, outOfOrder } = evidence.counts;
  if (events === 0) yield "there are no events";
  else if (!fromL0) yield "there are no events of L0";
  if (!complete) yield "the history is not complete";
  if (lost > 0) yield `${lost} events are lost`;
  if (outOfOrder > 0) yield `${outOfOrder} events arrived after later ones of their source`;
  if (evidence.misplaced > 0) yield `${evidence.misplaced} events are not in the order of the history`;
  for (const source of evidence.silent()) yield `${source} published nothing`;
  for (const { source, incarnation } of evidence.unheardLives())
    yield `${source} published nothing in its life ${incarnation}, in which L0 used it`;
  if (findings.total > 0 && !findings.hasCertain(evidence))
    yield "violations were found, but missing events could explain each of them";
}
