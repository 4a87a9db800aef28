/** What the sources say they published, against what trace has. */
import { flushEvents, type SourceCount, systemClock, type TraceClient } from "@vmcslab/runtime";
import { UnavailableError } from "../../errors.js";
import type { Settlement, SourcePosition } from "../target.js";
import { endsOf, furthestOf, waitUntilTraced } from "../traced.js";

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
  const { sources: known } = await waitUntilTraced(trace, positions, silent, systemClock);
  const { ended, unended } = endsOf(known, positions, silent);
  const flushed = await trace.flush();
  if (!flushed.ok) throw new UnavailableError(flushed.error.message);
  return { events: compare(positions, known), positions: [...ended, ...positions], silent, unended, sharedClock: true };
}

function compare(positions: readonly SourcePosition[], known: readonly SourceCount[]): Settlement["events"] {
  const published = furthestOf(positions, known).reduce((sum, life) => sum + life.published, 0);
  const stored = known.reduce((sum, life) => sum + life.stored, 0);
  return { published, stored, lost: published - stored };
}
