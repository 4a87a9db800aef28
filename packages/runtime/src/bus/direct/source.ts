import { Metadata, type ServerDuplexStream, status } from "@grpc/grpc-js";
import { required } from "../../codec/numbers.js";
import type { PublishRequest, PublishResponse } from "../../generated/vmcslab/v1/trace.js";
import { wellFormed } from "../../rpc/malformed.js";
import { failureOfThrown } from "../../rpc/rpc-error.js";
import type { EventSource, ReceiveBatch } from "../port.js";

type Stream = ServerDuplexStream<PublishRequest, PublishResponse>;

/** Trace's end of the direct bus: the handler of TraceService.Publish. */
export class DirectSource implements EventSource {
  readonly #receive: ReceiveBatch;
  readonly #open = new Set<Stream>();
  /** Those whose batch is being stored. */
  readonly #storing = new Set<Stream>();
  #closing = false;

  constructor(receive: ReceiveBatch) {
    this.#receive = receive;
  }

  readonly publish = (stream: Stream): void => {
    this.#open.add(stream);
    stream.sendMetadata(new Metadata());
    this.#answerAll(stream)
      .then(
        () => stream.end(),
        (error: unknown) => stream.emit("error", statusOf(error)),
      )
      .finally(() => this.#open.delete(stream));
  };

  /** Sources come to us. */
  isConnected(): boolean {
    return true;
  }

  /** A batch that is being stored is answered first. What comes after it is not taken: its source sends it again, to whoever listens then. */
  close(): Promise<void> {
    this.#closing = true;
    for (const stream of this.#open) if (!this.#storing.has(stream)) stream.end();
    return Promise.resolve();
  }

  async #answerAll(stream: Stream): Promise<void> {
    for await (const request of requestsOf(stream)) {
      if (this.#closing) return;
      const batch = required(wellFormed(request).batch, "batch");
      this.#storing.add(stream);
      try {
        await this.#receive(batch);
      } finally {
        this.#storing.delete(stream);
      }
      stream.write({ stored: batch.firstSequence + BigInt(batch.events.length) - 1n });
    }
  }
}

/**
 * The stream's requests, one at a time: what is not taken yet stays in the transport. A source that vanishes ends them. Whoever stops early must still be able to answer
 * with a status, so that does not destroy the stream.
 */
async function* requestsOf(stream: Stream): AsyncGenerator<PublishRequest> {
  const requests: AsyncIterable<PublishRequest> = stream.iterator({ destroyOnReturn: false });
  try {
    yield* requests;
  } catch (error) {
    if (!stream.cancelled) throw error;
  }
}

function statusOf(error: unknown): { code: status; details: string } {
  const details = error instanceof Error ? error.message : String(error);
  return failureOfThrown(error) ?? { code: status.INTERNAL, details };
}
