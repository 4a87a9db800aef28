import { type Answer, type BatchResult, Executive, type Operation, type OutgoingBatch } from "@vmcslab/nested";
import type { InterconnectClient } from "./interconnect/port.js";

/** Runs the hypervisor's operations over the interconnect. Operations interleave at their waits; a batch is sent in the same turn in which the core decides it. */
export class Driver {
  readonly #clients = new Map<number, InterconnectClient>();
  readonly #executive = new Executive((batch, done) => this.#send(batch, done));
  #onIdle: (() => void)[] = [];

  /** Operations begun and not ended. */
  get inFlight(): number {
    return this.#executive.inFlight;
  }

  /** From now on batches for its CPU go through this client. */
  attach(client: InterconnectClient): void {
    this.#clients.set(client.cpu, client);
  }

  /** Batches for the CPU end in `cpuUnavailable` from now on. */
  detach(client: InterconnectClient): void {
    if (this.#clients.get(client.cpu) === client) this.#clients.delete(client.cpu);
  }

  client(cpu: number): InterconnectClient | undefined {
    return this.#clients.get(cpu);
  }

  /** Begins the operation before it returns. Rejects only for a bug. */
  run<T>(operation: Operation<T>): Promise<Answer<T>> {
    return new Promise((resolve) => {
      this.#executive.run(operation, (answer) => {
        resolve(answer);
        this.#ended();
      });
    });
  }

  /** Ends when no operation runs. */
  idle(): Promise<void> {
    if (this.inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onIdle.push(resolve));
  }

  #send(batch: OutgoingBatch, done: (result: BatchResult) => void): void {
    const client = this.#clients.get(batch.cpu);
    if (client !== undefined) {
      client.send(batch, done);
      return;
    }
    const message = `CPU ${batch.cpu} is not connected`;
    done({ ok: false, error: { code: "cpuUnavailable", definite: true, message } });
  }

  #ended(): void {
    if (this.inFlight > 0) return;
    const waiting = this.#onIdle;
    this.#onIdle = [];
    for (const resolve of waiting) resolve();
  }
}
