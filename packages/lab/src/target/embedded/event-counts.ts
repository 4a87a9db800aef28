/** What the sources say they published, against what trace has. */
import { flushEvents, type SourceCount, type TraceClient } from "@vmcslab/runtime";
import { UnavailableError } from "../../errors.js";
import type { Settlement, SourcePosition } from "../target.js";

/** A service that publishes: its name is its source's. */
export interface Source {
  readonly name: string;
  readonly address: string;
}

/** Has every source publish what it holds back, and compares. Throws UnavailableError when trace does not answer. */
export async function settleEvents(sources: readonly Source[], trace: TraceClient): Promise<Settlement> {
  const answers = await Promise.all(
    sources.map(async ({ name, address }) => ({ name, answer: await flushEvents(address) })),
  );
  const flushed = await trace.flush();
  const counts = await trace.counts();
  if (!flushed.ok) throw new UnavailableError(flushed.error.message);
  if (!counts.ok) throw new UnavailableError(counts.error.message);
  const positions = answers.flatMap(({ answer }) => (answer.ok ? [answer.value] : []));
  const silent = answers.flatMap(({ name, answer }) => (answer.ok ? [] : [name]));
  return { events: compare(positions, counts.value.sources), positions, silent };
}

/** A life that does not say itself how far it got counts as far as trace knows. */
function compare(positions: readonly SourcePosition[], known: readonly SourceCount[]): Settlement["events"] {
  const isLife = (left: SourcePosition | SourceCount) => (right: SourcePosition | SourceCount) =>
    left.host === right.host && left.source === right.source && left.incarnation === right.incarnation;
  const unsaid = known.filter((life) => !positions.some(isLife(life)));
  const published = [...positions, ...unsaid].reduce((sum, life) => sum + life.published, 0);
  const stored = known.reduce((sum, life) => sum + life.stored, 0);
  return { published, stored, lost: published - stored };
}
