/** What the sources say they published, against what trace has. */
import { flushEvents, type SourceCount, systemClock, type TraceClient } from "@vmcslab/runtime";
import { UnavailableError } from "../../errors.js";
import type { Settlement, SourcePosition } from "../target.js";
import { endsOf, isSameLife, waitUntilTraced } from "../traced.js";

/** A service that publishes: its name is its source's. */
export interface Source {
  readonly name: string;
  readonly address: string;
}

/** `own`: how far sources in this process got. Has every source, all children on this machine, publish what it holds back, and compares. Throws UnavailableError when trace does not answer. */
export async function settleEvents(
  sources: readonly Source[],
  trace: TraceClient,
  own: readonly SourcePosition[],
): Promise<Settlement> {
  const answers = await Promise.all(
    sources.map(async ({ name, address }) => ({ name, answer: await flushEvents(address) })),
  );
  const positions = [...own, ...answers.flatMap(({ answer }) => (answer.ok ? [answer.value] : []))];
  const silent = answers.flatMap(({ name, answer }) => (answer.ok ? [] : [name]));
  const { sources: known } = await waitUntilTraced(trace, positions, systemClock);
  const { ended, unended } = endsOf(known);
  const flushed = await trace.flush();
  if (!flushed.ok) throw new UnavailableError(flushed.error.message);
  const stated = [...ended.filter((life) => !positions.some((position) => isSameLife(position, life))), ...positions];
  return { events: compare(positions, known), positions: stated, silent, unended, sharedClock: true };
}

/** A life that does not say itself how far it got, or has gone on since it did, counts as far as trace knows. */
function compare(positions: readonly SourcePosition[], known: readonly SourceCount[]): Settlement["events"] {
  const unheard = positions.filter((position) => !known.some((life) => isSameLife(position, life)));
  const furthest = known.map((life) =>
    Math.max(life.published, positions.find((position) => isSameLife(position, life))?.published ?? 0),
  );
  const published = [...unheard.map((life) => life.published), ...furthest].reduce((sum, count) => sum + count, 0);
  const stored = known.reduce((sum, life) => sum + life.stored, 0);
  return { published, stored, lost: published - stored };
}
