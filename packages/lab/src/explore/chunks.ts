/** Seeds in portions, of which each worker takes the next, so that a search may end early and still be one of consecutive seeds. */
import { EMPTY_REPORT, type ExploreReport, mergeReports } from "@vmcslab/sim";

/** Seeds of one portion: enough that handing out costs nothing, few enough that a search ends soon. */
const CHUNK_SEEDS = 25;

export interface Chunk {
  readonly from: number;
  readonly count: number;
}

export interface ChunkResult {
  readonly report: ExploreReport;
  /** Time that its runs took, ns. */
  readonly busyNs: number;
}

/** Whoever runs chunks, one at a time. */
export interface ChunkRunner {
  /** With `stopsAtViolation` the seeds behind the first that violates are left out. */
  run(chunk: Chunk, stopsAtViolation: boolean): Promise<ChunkResult>;
}

export interface SearchOptions {
  readonly from: number;
  readonly count: number;
  readonly runners: readonly ChunkRunner[];
  /** Goes on after a violation. */
  readonly keepsGoing: boolean;
  /** No more chunks are begun. */
  readonly isOver: () => boolean;
  /** After each chunk, in the order in which they end. */
  readonly onChunk?: (result: ChunkResult) => void;
}

/**
 * Runs the seeds on all runners. The result is of consecutive seeds from the first on, and the same for any number of runners: up to the first that violates, or all. It is shorter only where `isOver` says so.
 */
export async function searchSeeds(options: SearchOptions): Promise<ChunkResult> {
  const { from, count, runners, keepsGoing, isOver, onChunk } = options;
  const results = new Map<number, ChunkResult>();
  const end = from + count;
  let next = from;
  /** The lowest seed that is known to violate. */
  let violating = Number.POSITIVE_INFINITY;
  const work = async (runner: ChunkRunner): Promise<void> => {
    while (next < end && (keepsGoing || next <= violating) && !isOver()) {
      const chunk = { from: next, count: Math.min(CHUNK_SEEDS, end - next) };
      next += chunk.count;
      const result = await runner.run(chunk, !keepsGoing);
      results.set(chunk.from, result);
      const [first] = result.report.violations;
      if (!keepsGoing && first !== undefined) violating = Math.min(violating, first.seed);
      onChunk?.(result);
    }
  };
  await Promise.all(runners.map(work));
  const counted = [...results].filter(([first]) => first <= violating).map(([, result]) => result);
  return counted.reduce(
    (sum, { report, busyNs }) => ({ report: mergeReports(sum.report, report), busyNs: sum.busyNs + busyNs }),
    { report: EMPTY_REPORT, busyNs: 0 },
  );
}
