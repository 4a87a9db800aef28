import { exploreSeeds } from "@vmcslab/sim";
import type { Chunk, ChunkResult } from "./chunks.js";
import { cpuModelCalled, type ExploreSetup, mutantCalled } from "./setup.js";

/** Runs the seeds of a chunk, here and now. `nowNs`: a clock that goes on meanwhile. */
export function runChunk(
  { mutant: name, cpuModel, scope }: ExploreSetup,
  { from, count }: Chunk,
  stopsAtViolation: boolean,
  nowNs: () => number,
): ChunkResult {
  const mutant = mutantCalled(name);
  const beganNs = nowNs();
  const report = exploreSeeds({
    from,
    count,
    model: cpuModelCalled(cpuModel),
    scope,
    ...(mutant === undefined ? {} : { mutant }),
    onSeed: (_, { violation }) => (stopsAtViolation && violation !== undefined ? "stop" : undefined),
  });
  return { report, busyNs: nowNs() - beganNs };
}
