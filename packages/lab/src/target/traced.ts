/** Waiting for trace: over NATS an event is safe at the server before trace has read it. */
import type { Clock, TraceClient, TraceCounts } from "@vmcslab/runtime";
import { UnavailableError } from "../errors.js";
import type { SourcePosition } from "./target.js";

const TIMEOUT_MS = 5_000;
const INTERVAL_MS = 20;

/** Ends when trace has read every sequence up to its position, or knows no better after five seconds. Throws UnavailableError when it does not answer. */
export async function waitUntilTraced(
  trace: TraceClient,
  positions: readonly SourcePosition[],
  clock: Clock,
): Promise<TraceCounts> {
  const endNs = clock.monoNs() + TIMEOUT_MS * 1e6;
  for (;;) {
    const counts = await trace.counts();
    if (!counts.ok) throw new UnavailableError(`trace does not answer: ${counts.error.message}`);
    const { sources } = counts.value;
    const isTraced = (position: SourcePosition) =>
      position.published === 0 ||
      sources.some((known) => isSameLife(known, position) && known.published >= position.published);
    if (positions.every(isTraced) || clock.monoNs() > endNs) return counts.value;
    await clock.sleep(INTERVAL_MS);
  }
}

type Life = Pick<SourcePosition, "host" | "source" | "incarnation">;

export function isSameLife(left: Life, right: Life): boolean {
  return left.host === right.host && left.source === right.source && left.incarnation === right.incarnation;
}
