import type { ClientDuplexStream } from "@grpc/grpc-js";
import type { Clock, Timer } from "../../clock.js";
import { eventBatchToWire } from "../../codec/event.js";
import { type PublishRequest, type PublishResponse, TraceServiceClient } from "../../generated/vmcslab/v1/trace.js";
import { Credentials } from "../../security/credentials.js";
import type { BatchFate, EventBatch, EventSink } from "../port.js";
import { BatchQueue } from "../queue.js";

/** Batches sent and not answered; more wait in our queue, so that a slow trace costs no memory of the transport. */
const WINDOW_BATCHES = 32;
const RECONNECT_DELAY_MS = 100;

type Stream = ClientDuplexStream<PublishRequest, PublishResponse>;

export interface DirectSinkOptions {
  /** host:port of trace. */
  readonly address: string;
  readonly clock: Clock;
  readonly queue?: BatchQueue;
  /** Default: none. */
  readonly credentials?: Credentials;
}

/** Publishes over one gRPC stream to trace. Every batch is answered when it is stored; after a broken stream what was not is sent again. */
export class DirectSink implements EventSink {
  readonly #clock: Clock;
  readonly #queue: BatchQueue;
  readonly #client: TraceServiceClient;
  #stream: Stream | undefined;
  /** How many of the queue's oldest batches are on the stream. */
  #sent = 0;
  #connected = false;
  #retry: Timer | undefined;
  #held = false;
  #closed = false;

  constructor({ address, clock, queue = new BatchQueue(), credentials = Credentials.none }: DirectSinkOptions) {
    const dial = credentials.dial("trace");
    this.#clock = clock;
    this.#queue = queue;
    this.#client = new TraceServiceClient(address, dial.credentials, dial.options);
    this.#open();
  }

  get connected(): boolean {
    return this.#connected && !this.#held;
  }

  get dropped(): number {
    return this.#queue.dropped;
  }

  get buffered(): number {
    return this.#queue.buffered;
  }

  publish(batch: EventBatch, settled?: (fate: BatchFate) => void): void {
    this.#queue.add(batch, settled);
    this.#pump();
  }

  hold(): void {
    this.#held = true;
  }

  release(): void {
    this.#held = false;
    this.#pump();
  }

  flush(timeoutMs: number): Promise<boolean> {
    return this.#queue.emptied(this.#clock, timeoutMs);
  }

  close(): Promise<void> {
    this.#closed = true;
    this.#connected = false;
    this.#retry?.cancel();
    this.#stream?.cancel();
    this.#client.close();
    return Promise.resolve();
  }

  #open(): void {
    const stream = this.#client.publish();
    this.#stream = stream;
    this.#sent = 0;
    // Trace answers a new stream with headers at once: only then is there someone who listens.
    stream.on("metadata", () => {
      this.#connected = true;
      this.#pump();
    });
    stream.on("data", () => {
      if (this.#stream === stream) this.#answered();
    });
    stream.on("error", () => this.#broken(stream));
    stream.on("end", () => this.#broken(stream));
  }

  #pump(): void {
    const stream = this.#stream;
    if (stream === undefined || !this.#connected || this.#held) return;
    const { batches } = this.#queue;
    while (this.#sent < Math.min(batches.length, WINDOW_BATCHES)) {
      const batch = batches[this.#sent];
      if (batch === undefined) return;
      stream.write({ batch: eventBatchToWire(batch) });
      this.#sent++;
    }
  }

  #answered(): void {
    this.#sent--;
    this.#queue.delivered(1);
    this.#pump();
  }

  #broken(stream: Stream): void {
    if (this.#stream !== stream) return;
    this.#stream = undefined;
    this.#connected = false;
    this.#sent = 0;
    if (!this.#closed) this.#retry = this.#clock.after(RECONNECT_DELAY_MS, () => this.#open());
  }
}
