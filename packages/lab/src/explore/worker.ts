/** A thread that runs chunks for explore: it is given its setup when it starts, then one chunk after the other. */
import { parentPort, workerData } from "node:worker_threads";
import { systemClock } from "@vmcslab/runtime/clock";
import type { Chunk } from "./chunks.js";
import { runChunk } from "./run-chunk.js";
import type { ExploreSetup } from "./setup.js";

export interface ChunkRequest {
  readonly chunk: Chunk;
  readonly stopsAtViolation: boolean;
}

const setup: ExploreSetup = workerData;

parentPort?.on("message", ({ chunk, stopsAtViolation }: ChunkRequest) => {
  parentPort?.postMessage(runChunk(setup, chunk, stopsAtViolation, () => systemClock.monoNs()));
});
