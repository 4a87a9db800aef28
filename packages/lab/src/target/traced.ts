/** Waiting for trace: over NATS an event is safe at the server before trace has read it. */
import type { Clock, SourceCount, TraceClient, TraceCounts } from "@vmcslab/runtime";
import { UnavailableError } from "../errors.js";
import type { SourcePosition } from "./target.js";

const TIMEOUT_MS = 5_000;
/** Where a life ended its successor may have said just now. */
const ENDS_TIMEOUT_MS = 1_000;
const INTERVAL_MS = 20;

/**
 * Ends when trace has read every sequence up to its position, or knows no better after five seconds; and when it knows where every life ended that is over, or does not
 * hear of it for a second. Throws UnavailableError when it does not answer.
 */
export async function waitUntilTraced(
  trace: TraceClient,
  positions: readonly SourcePosition[],
  clock: Clock,
): Promise<TraceCounts> {
  const startNs = clock.monoNs();
  for (;;) {
    const counts = await trace.counts();
    if (!counts.ok) throw new UnavailableError(`trace does not answer: ${counts.error.message}`);
    const { sources } = counts.value;
    const isTraced = (position: SourcePosition) =>
      position.published === 0 ||
      sources.some((known) => isSameLife(known, position) && known.published >= position.published);
    const waitedMs = (clock.monoNs() - startNs) / 1e6;
    const areEndsKnown = waitedMs > ENDS_TIMEOUT_MS || endsOf(sources).unended.length === 0;
    if ((positions.every(isTraced) && areEndsKnown) || waitedMs > TIMEOUT_MS) return counts.value;
    await clock.sleep(INTERVAL_MS);
  }
}

/** How the lives of sources that are over ended, as trace knows it: those that said where, and those that never did though another life of their source followed. */
export function endsOf(known: readonly SourceCount[]): { ended: SourcePosition[]; unended: SourcePosition[] } {
  const isFollowed = ({ host, source, incarnation }: SourceCount): boolean =>
    known.some((later) => later.host === host && later.source === source && later.incarnation > incarnation);
  return {
    ended: known.filter(({ ended }) => ended).map(positionOf),
    unended: known.filter((life) => !life.ended && isFollowed(life)).map(positionOf),
  };
}

function positionOf({ host, source, incarnation, published }: SourceCount): SourcePosition {
  return { host, source, incarnation, published };
}

type Life = Pick<SourcePosition, "host" | "source" | "incarnation">;

export function isSameLife(left: Life, right: Life): boolean {
  return left.host === right.host && left.source === right.source && left.incarnation === right.incarnation;
}
