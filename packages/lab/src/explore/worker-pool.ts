import { Worker } from "node:worker_threads";
import type { Chunk, ChunkResult, ChunkRunner } from "./chunks.js";
import type { ExploreSetup } from "./setup.js";
import type { ChunkRequest } from "./worker.js";

/** One thread that runs chunks. */
export class WorkerRunner implements ChunkRunner {
  readonly #worker: Worker;

  constructor(setup: ExploreSetup) {
    this.#worker = new Worker(new URL("./worker.js", import.meta.url), { workerData: setup });
  }

  run(chunk: Chunk, stopsAtViolation: boolean): Promise<ChunkResult> {
    const worker = this.#worker;
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void): void => {
        worker.off("message", onResult);
        worker.off("error", onError);
        worker.off("exit", onExit);
        settle();
      };
      const onResult = (result: ChunkResult): void => finish(() => resolve(result));
      const onError = (error: unknown): void => finish(() => reject(error));
      const onExit = (code: number): void =>
        finish(() => reject(new Error(`the thread for seeds from ${chunk.from} ended with code ${code}`)));
      worker.on("message", onResult);
      worker.on("error", onError);
      worker.on("exit", onExit);
      const request: ChunkRequest = { chunk, stopsAtViolation };
      worker.postMessage(request);
    });
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}
