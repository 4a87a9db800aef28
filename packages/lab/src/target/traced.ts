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
  silent: readonly string[],
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
    const ofHost = sources.filter(({ host }) => positions.some((position) => position.host === host));
    const areEndsKnown = waitedMs > ENDS_TIMEOUT_MS || endsOf(ofHost, positions, silent).unended.length === 0;
    if ((positions.every(isTraced) && areEndsKnown) || waitedMs > TIMEOUT_MS) return counts.value;
    await clock.sleep(INTERVAL_MS);
  }
}

/**
 * How the lives that trace knows ended, beside those that said now how far they got: the ones that stated their end, and the ones that never did. Of a source that was asked
 * and did not answer the latest life may go on yet.
 */
export function endsOf(
  known: readonly SourceCount[],
  positions: readonly SourcePosition[],
  silent: readonly string[],
): { ended: SourcePosition[]; unended: SourcePosition[] } {
  const others = known.filter((life) => !positions.some((position) => isSameLife(position, life)));
  const isLatest = ({ host, source, incarnation }: SourceCount): boolean =>
    !known.some((later) => later.host === host && later.source === source && later.incarnation > incarnation);
  const mayGoOn = (life: SourceCount): boolean => silent.includes(life.source) && isLatest(life);
  return {
    ended: others.filter(({ ended }) => ended).map(positionOf),
    unended: others.filter((life) => !life.ended && !mayGoOn(life)).map(positionOf),
  };
}

/** How far each life got: as it said itself, or as is known of it, if it did not say or has gone on since. */
export function furthestOf(stated: readonly SourcePosition[], known: readonly SourcePosition[]): SourcePosition[] {
  const unknown = stated.filter((position) => !known.some((life) => isSameLife(position, life)));
  const furthest = known.map((life) => {
    const position = stated.find((other) => isSameLife(other, life));
    return position !== undefined && position.published > life.published ? position : life;
  });
  return [...unknown, ...furthest];
}

function positionOf({ host, source, incarnation, published }: SourceCount): SourcePosition {
  return { host, source, incarnation, published };
}

type Life = Pick<SourcePosition, "host" | "source" | "incarnation">;

export function isSameLife(left: Life, right: Life): boolean {
  return left.host === right.host && left.source === right.source && left.incarnation === right.incarnation;
}
