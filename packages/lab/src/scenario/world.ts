import type { HistoryEvent } from "@vmcslab/history";
import type { Answer, HostConfig, Operation } from "@vmcslab/nested";
import { Board, InMemoryHistory } from "@vmcslab/sim";
import { CPU_MODELS, type CpuModel } from "@vmcslab/vmx";
import { UsageError } from "../errors.js";
import { didYouMean } from "../text/suggest.js";
import { renderDelivery } from "./render.js";

export interface WorldConfig extends Omit<HostConfig, "model" | "l1MemoryBytes"> {
  readonly cpus: number;
  readonly model: string;
}

const L1_MEMORY_BYTES = 64 * 1024 * 1024;

/** The host of one scenario, what went over its links since someone looked, and its history. */
export class World {
  readonly board: Board;
  readonly #history = new InMemoryHistory("scenario");
  readonly #names = new Map<number, string>();
  #deliveries: string[] = [];

  constructor(config: WorldConfig) {
    this.board = new Board({
      ...config,
      l1MemoryBytes: L1_MEMORY_BYTES,
      model: modelByName(config.model),
      emit: (source, incarnation, fact) => {
        if (fact.kind === "vmcs.allocated" && fact.region !== undefined)
          this.#names.set(fact.region, `vmcs${fact.vmcs}`);
        this.#history.record(source, incarnation, fact);
      },
      onDelivery: (delivery) => this.#deliveries.push(renderDelivery(delivery, (region) => this.nameRegion(region))),
    });
    this.#deliveries = [];
  }

  /** What went over the links, then the answer as the caller renders it, or the error. */
  run<T>(operation: Operation<T>, render: (value: T) => readonly string[]): string[] {
    const answer: Answer<T> = this.board.run(operation);
    return [
      ...this.takeDeliveries(),
      ...(answer.ok ? render(answer.value) : [`error ${answer.error.code}: ${answer.error.message}`]),
    ];
  }

  get history(): readonly HistoryEvent[] {
    return this.#history.events;
  }

  takeDeliveries(): string[] {
    const taken = this.#deliveries;
    this.#deliveries = [];
    return taken;
  }

  nameRegion(region: number): string {
    return this.#names.get(region) ?? `0x${region.toString(16)}`;
  }
}

function modelByName(name: string): CpuModel {
  const model = CPU_MODELS[name];
  if (model === undefined) {
    const names = Object.keys(CPU_MODELS);
    throw new UsageError(`no CPU model "${name}"${didYouMean(name, names)} (there are ${names.join(", ")})`);
  }
  return model;
}
