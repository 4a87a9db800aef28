/**
 * Sleeps that end near their instant. A timer of Node.js fires up to a millisecond late, which is as long as a whole cross-CPU clear takes here; to spin until the instant
 * would take a core from what is measured. A thread that does nothing but wait on a word of shared memory wakes up within some fifty microseconds, and costs nothing meanwhile.
 */
import { type MessagePort, Worker } from "node:worker_threads";

interface Sleeper {
  readonly atNs: number;
  readonly wake: () => void;
}

interface Shared {
  /** One word, counted up whenever `delay` is another. */
  readonly generation: Int32Array;
  /** Milliseconds until the thread is to say something. */
  readonly delay: Float64Array;
}

export class Metronome {
  readonly #nowNs: () => number;
  readonly #shared: Shared = {
    generation: new Int32Array(new SharedArrayBuffer(4)),
    delay: new Float64Array(new SharedArrayBuffer(8)).fill(Number.POSITIVE_INFINITY),
  };
  readonly #worker: Worker;
  /** By instant, the next first. */
  #sleepers: Sleeper[] = [];
  #isClosed = false;

  /** `nowNs`: monotonic, in nanoseconds. */
  constructor(nowNs: () => number) {
    this.#nowNs = nowNs;
    this.#worker = new Worker(
      `const { parentPort, workerData } = require("node:worker_threads"); (${tick.toString()})(parentPort, workerData);`,
      { eval: true, workerData: this.#shared },
    );
    this.#worker.on("message", () => this.#wakeDue());
  }

  /** Ends after `delayMs`, or at once when `signal` aborts or the metronome is closed; never rejects, and never ends early otherwise. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    if (this.#isClosed || signal?.aborted === true || delayMs <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      const abort = (): void => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        resolve();
      };
      const wake = (): void => {
        signal?.removeEventListener("abort", abort);
        resolve();
      };
      const sleeper = { atNs: this.#nowNs() + delayMs * 1e6, wake };
      signal?.addEventListener("abort", abort, { once: true });
      const index = this.#sleepers.findIndex(({ atNs }) => atNs > sleeper.atNs);
      this.#sleepers.splice(index === -1 ? this.#sleepers.length : index, 0, sleeper);
      if (this.#sleepers[0] === sleeper) this.#arm();
    });
  }

  /** Ends the thread, and every sleep. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { wake } of this.#sleepers) wake();
    this.#sleepers = [];
    await this.#worker.terminate();
  }

  #wakeDue(): void {
    const nowNs = this.#nowNs();
    const first = this.#sleepers.findIndex(({ atNs }) => atNs > nowNs);
    const due = this.#sleepers.splice(0, first === -1 ? this.#sleepers.length : first);
    for (const { wake } of due) wake();
    this.#arm();
  }

  #arm(): void {
    const [next] = this.#sleepers;
    if (next === undefined) return;
    const { generation, delay } = this.#shared;
    delay[0] = Math.max(0, (next.atNs - this.#nowNs()) / 1e6);
    Atomics.add(generation, 0, 1);
    Atomics.notify(generation, 0);
  }
}

/** The thread: says when a delay is over, then waits for another. It is given to it as text, so it may name nothing outside itself. */
function tick(port: MessagePort, { generation, delay }: Shared): void {
  for (;;) {
    const seen = Atomics.load(generation, 0);
    const delayMs = delay[0] ?? Number.POSITIVE_INFINITY;
    if (Atomics.wait(generation, 0, seen, delayMs) !== "timed-out") continue;
    port.postMessage(undefined);
    Atomics.wait(generation, 0, seen);
  }
}
