import type { Clock } from "../../clock.js";
import { eventBatchToWire } from "../../codec/event.js";
import { EventBatch as WireEventBatch } from "../../generated/vmcslab/v1/events.js";
import type { EventBatch, EventSink } from "../port.js";
import { BatchQueue } from "../queue.js";
import { connectNats, type NatsBus } from "./connection.js";
import { subjectOf } from "./subject.js";

const CONNECT_DELAY_MS = 250;

export interface NatsSinkOptions {
  readonly url: string;
  readonly host: string;
  readonly source: string;
  readonly clock: Clock;
  readonly queue?: BatchQueue;
}

/** Publishes to NATS. The server confirms runs of batches; after a broken connection the last run is published again. */
export class NatsSink implements EventSink {
  readonly #options: NatsSinkOptions;
  readonly #queue: BatchQueue;
  readonly #stop = new AbortController();
  #bus: NatsBus | undefined;
  #pumping = false;

  constructor(options: NatsSinkOptions) {
    this.#options = options;
    this.#queue = options.queue ?? new BatchQueue();
    void this.#connect();
  }

  get connected(): boolean {
    return this.#bus?.connected ?? false;
  }

  get dropped(): number {
    return this.#queue.dropped;
  }

  publish(batch: EventBatch): void {
    this.#queue.add(batch);
    void this.#pump();
  }

  flush(timeoutMs: number): Promise<boolean> {
    return this.#queue.emptied(this.#options.clock, timeoutMs);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#bus?.drain();
  }

  /** The server may start after us. */
  async #connect(): Promise<void> {
    const { url, host, source, clock } = this.#options;
    while (!this.#stop.signal.aborted) {
      try {
        this.#bus = await connectNats(url, `${host}.${source}`, clock);
        break;
      } catch {
        // Until it is there `connected` is false, and health says so.
        await clock.sleep(CONNECT_DELAY_MS, this.#stop.signal);
      }
    }
    if (this.#stop.signal.aborted) await this.#bus?.drain();
    else await this.#pump();
  }

  async #pump(): Promise<void> {
    const bus = this.#bus;
    if (bus === undefined || this.#pumping) return;
    this.#pumping = true;
    while (!this.#queue.isEmpty && !this.#stop.signal.aborted) {
      const count = this.#queue.batches.length;
      try {
        for (const batch of this.#queue.batches) this.#publishOne(bus, batch);
        await bus.flush();
        this.#queue.delivered(count);
      } catch {
        // The connection broke. It comes back by itself; trace does not store twice what reached it before.
        await this.#options.clock.sleep(CONNECT_DELAY_MS, this.#stop.signal);
      }
    }
    this.#pumping = false;
  }

  #publishOne(bus: NatsBus, batch: EventBatch): void {
    const payload = WireEventBatch.encode(eventBatchToWire(batch)).finish();
    bus.publish(subjectOf(batch.host, batch.source), payload);
  }
}
