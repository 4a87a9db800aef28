import type { Clock } from "../../clock.js";
import { eventBatchToWire } from "../../codec/event.js";
import { EventBatch as WireEventBatch } from "../../generated/vmcslab/v1/events.js";
import type { BatchFate, EventBatch, EventSink } from "../port.js";
import { BatchQueue } from "../queue.js";
import { connectNats, type NatsBus } from "./connection.js";
import type { EventStream } from "./jetstream.js";
import type { NatsLogin } from "./login.js";
import { subjectOf } from "./subject.js";

const CONNECT_DELAY_MS = 250;

export interface NatsSinkOptions {
  readonly url: string;
  readonly login?: NatsLogin;
  readonly host: string;
  readonly source: string;
  readonly clock: Clock;
  readonly queue?: BatchQueue;
}

/** Hands over the oldest of some batches; how many of them the server has. */
type Deliver = (batches: readonly EventBatch[]) => Promise<number>;

/** Publishes to NATS. What the server has not confirmed is published again after a broken connection. */
export class NatsSink implements EventSink {
  readonly #options: NatsSinkOptions;
  readonly #queue: BatchQueue;
  readonly #stop = new AbortController();
  #bus: NatsBus | undefined;
  #deliver: Deliver | undefined;
  #pumping = false;
  #held = false;

  constructor(options: NatsSinkOptions) {
    this.#options = options;
    this.#queue = options.queue ?? new BatchQueue();
    void this.#connect();
  }

  get connected(): boolean {
    return this.#deliver !== undefined && this.#bus?.connected === true && !this.#held;
  }

  get dropped(): number {
    return this.#queue.dropped;
  }

  get buffered(): number {
    return this.#queue.buffered;
  }

  publish(batch: EventBatch, settled?: (fate: BatchFate) => void): void {
    this.#queue.add(batch, settled);
    void this.#pump();
  }

  hold(): void {
    this.#held = true;
  }

  release(): void {
    this.#held = false;
    void this.#pump();
  }

  flush(timeoutMs: number): Promise<boolean> {
    return this.#queue.emptied(this.#options.clock, timeoutMs);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#bus?.drain();
  }

  /** The server may start after us, and its JetStream after it. */
  async #connect(): Promise<void> {
    const { url, host, source, clock, login } = this.#options;
    while (!this.#stop.signal.aborted) {
      try {
        this.#bus ??= await connectNats(url, `${host}.${source}`, clock, login);
        this.#deliver = await deliverTo(this.#bus);
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
    const deliver = this.#deliver;
    if (deliver === undefined || this.#pumping) return;
    this.#pumping = true;
    while (!this.#queue.isEmpty && !this.#held && !this.#stop.signal.aborted) {
      try {
        this.#queue.delivered(await deliver(this.#queue.batches));
      } catch {
        // The connection broke. It comes back by itself; what reached the server before is not stored twice.
        await this.#options.clock.sleep(CONNECT_DELAY_MS, this.#stop.signal);
      }
    }
    this.#pumping = false;
  }
}

async function deliverTo(bus: NatsBus): Promise<Deliver> {
  const stream = await bus.eventStream();
  return stream === undefined ? (batches) => publishAll(bus, batches) : (batches) => storeOldest(stream, batches);
}

/** Without JetStream: the server confirms a run of batches. */
async function publishAll(bus: NatsBus, batches: readonly EventBatch[]): Promise<number> {
  const run = [...batches];
  for (const batch of run) bus.publish(subjectOf(batch.host, batch.source), encoded(batch));
  await bus.flush();
  return run.length;
}

/**
 * With JetStream: one batch after the other. If more were in flight, one of them could be lost with a connection and be stored after those
 * that follow it, and its place in the sequence would be taken for a loss.
 */
async function storeOldest(stream: EventStream, batches: readonly EventBatch[]): Promise<number> {
  const [batch] = batches;
  if (batch === undefined) return 0;
  const { host, source, incarnation, firstSeq, events, ends = false } = batch;
  const id = `${host}.${source}.${incarnation}.${firstSeq}+${events.length}${ends ? ".end" : ""}`;
  try {
    await stream.publish(subjectOf(host, source), encoded(batch), id);
  } catch (error) {
    // A server that lost its storage lost the stream with it.
    await stream.ensure();
    throw error;
  }
  return 1;
}

function encoded(batch: EventBatch): Uint8Array {
  return WireEventBatch.encode(eventBatchToWire(batch)).finish();
}
