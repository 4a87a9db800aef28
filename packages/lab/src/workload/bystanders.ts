/** One more vcpu on each CPU that has nothing to do but to run there now and then, so that another one does not. */
import { EXIT_REASONS_OF_L0 } from "./exits-of-l0.js";
import { L1Vcpu } from "./l1-vcpu.js";
import { OperationFailed } from "./measured-host.js";
import { survive } from "./vcpu-crew.js";
import type { WorkloadContext } from "./workload.js";

const ATTEMPTS = 100;
const RETRY_MS = 10;

export class Bystanders {
  readonly #context: WorkloadContext;
  readonly #onCpu = new Map<number, Promise<L1Vcpu>>();
  readonly #all: L1Vcpu[] = [];

  constructor(context: WorkloadContext) {
    this.#context = context;
  }

  /** The bystander of a CPU runs there: whoever ran there does no more. Under faults it is tried again, by a new one. */
  async runOn(cpu: number): Promise<void> {
    const { hasFaults, signal, sleep } = this.#context;
    for (let attempt = 1; ; attempt++) {
      try {
        const bystander = await this.#bystander(cpu);
        await bystander.exit(EXIT_REASONS_OF_L0.eptMisconfig, 0n, []);
        return;
      } catch (thrown) {
        this.#onCpu.delete(cpu);
        const isLast = hasFaults !== true || attempt === ATTEMPTS || signal.aborted;
        if (isLast || !(thrown instanceof OperationFailed)) throw thrown;
      }
      await sleep(RETRY_MS, signal);
    }
  }

  async destroyAll(): Promise<void> {
    for (const bystander of this.#all) await survive(() => bystander.destroy());
  }

  async #bystander(cpu: number): Promise<L1Vcpu> {
    const existing = this.#onCpu.get(cpu);
    if (existing !== undefined) return await existing;
    const creation = L1Vcpu.create(this.#context.host, cpu);
    this.#onCpu.set(cpu, creation);
    const created = await creation;
    this.#all.push(created);
    return created;
  }
}
