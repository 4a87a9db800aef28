import { type Answer, type BatchResult, Executive, type Operation, type OutgoingBatch } from "@vmcslab/nested";
import type { InterconnectClient } from "./interconnect/port.js";

interface SentBatch {
  readonly client: InterconnectClient;
  readonly id: number;
}

/** Runs the hypervisor's operations over the interconnect. Operations interleave at their waits; a batch is sent in the same turn in which the core decides it. */
export class Driver {
  readonly #clients = new Map<number, InterconnectClient>();
  readonly #executive = new Executive({
    send: (batch, done) => this.#send(batch, done),
    again: (batch, done) => this.#again(batch, done),
  });
  /** Batches that may be asked for again, and who has them under which number. */
  readonly #sent = new WeakMap<OutgoingBatch, SentBatch>();
  readonly #durable: (() => Promise<void>) | undefined;
  #onIdle: (() => void)[] = [];

  /** `durable` ends when everything that the journal was given so far is safe: nobody is told of an operation before. Default: there is no journal. */
  constructor({ durable }: { readonly durable?: (() => Promise<void>) | undefined } = {}) {
    this.#durable = durable;
  }

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
    return new Promise((resolve, reject) => {
      this.#executive.run(operation, (answer) => {
        if (this.#durable === undefined) resolve(answer);
        else this.#durable().then(() => resolve(answer), reject);
        this.#ended();
      });
    });
  }

  /** Ends when what the operations so far have done is safe: what is told of their state must be so. */
  settled(): Promise<void> {
    return this.#durable?.() ?? Promise.resolve();
  }

  /** Ends when no operation runs. */
  idle(): Promise<void> {
    if (this.inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onIdle.push(resolve));
  }

  #send(batch: OutgoingBatch, done: (result: BatchResult) => void): void {
    const client = this.#clients.get(batch.cpu);
    if (client === undefined) {
      done(notConnected(batch.cpu));
      return;
    }
    const id = client.send(batch, done);
    if (batch.askedAgain === true) this.#sent.set(batch, { client, id });
  }

  #again(batch: OutgoingBatch, done: (result: BatchResult) => void): void {
    const sent = this.#sent.get(batch);
    if (sent === undefined) done(notConnected(batch.cpu));
    else sent.client.again(sent.id, done);
  }

  #ended(): void {
    if (this.inFlight > 0) return;
    const waiting = this.#onIdle;
    this.#onIdle = [];
    for (const resolve of waiting) resolve();
  }
}

function notConnected(cpu: number): BatchResult {
  return { ok: false, error: { code: "cpuUnavailable", definite: true, message: `CPU ${cpu} is not connected` } };
}
