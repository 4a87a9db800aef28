/** CPU services, each reached over gRPC on loopback: one RPC per instruction; `setup` and stores are programs. */

import type { Replay, Sequence } from "../../../packages/lab/src/exec/index.js";
import type { Answer } from "../../../packages/nested/src/index.js";
import { CpuClient } from "../../../packages/runtime/src/index.js";
import type { CpuModel } from "../../../packages/vmx/src/index.js";
import { startCpu } from "../../../services/cpu/src/index.js";
import { replayInLanes } from "./lanes.js";
import { MEMORY_BYTES, type RemoteCpu } from "./remote-machine.js";

/** Sequences that are replayed at the same time. */
const LANES = 8;

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** A CPU that somebody serves at host:port. */
export function grpcCpu(client: CpuClient): RemoteCpu {
  return {
    execute: async (instruction) => obtained(await client.execute(instruction)),
    run: async (steps) => obtained(await client.run(steps)),
    readMemory: async (address, count) => obtained(await client.readMemory(address, count)),
  };
}

function obtained<T>(answer: Answer<T>): T {
  if (answer.ok) return answer.value;
  throw new Error(`${answer.error.code}: ${answer.error.message}`);
}

/** Services in this process, started when they are first needed and used again by the next sequence. */
export class CpuServices {
  readonly #cpus = new Map<string, Promise<RemoteCpu>>();
  readonly #stops: (() => Promise<void>)[] = [];

  replay(sequences: readonly Sequence[]): Promise<Replay[]> {
    return replayInLanes(LANES, sequences, ({ model, featureControl }, lane, cpu) =>
      this.#cpu(lane, cpu, model, featureControl),
    );
  }

  #cpu(lane: number, cpu: number, model: CpuModel, featureControl: number | undefined): Promise<RemoteCpu> {
    const key = [lane, cpu, model.name, featureControl ?? "default"].join("/");
    const known = this.#cpus.get(key) ?? this.#start(cpu, model, featureControl);
    this.#cpus.set(key, known);
    return known;
  }

  async #start(cpu: number, model: CpuModel, featureControl: number | undefined): Promise<RemoteCpu> {
    const firmware = featureControl === undefined ? {} : { featureControl };
    const options = { cpu, model: model.name, memoryBytes: MEMORY_BYTES, logger: silent, ...firmware };
    const running = await startCpu(options);
    const client = new CpuClient(running.address);
    this.#stops.push(async () => {
      client.close();
      await running.stop();
    });
    return grpcCpu(client);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#stops.map((stop) => stop()));
  }
}
