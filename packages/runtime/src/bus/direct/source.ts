import { Metadata, type ServerDuplexStream, status } from "@grpc/grpc-js";
import { required } from "../../codec/numbers.js";
import type { PublishRequest, PublishResponse } from "../../generated/vmcslab/v1/trace.js";
import { wellFormed } from "../../rpc/malformed.js";
import { failureOfThrown, OperationRefused } from "../../rpc/rpc-error.js";
import { PEOPLES_SOURCE } from "../../security/access.js";
import { type Caller, type Guard, TRUSTED } from "../../security/guard.js";
import type { EventSource, ReceiveBatch } from "../port.js";

type Stream = ServerDuplexStream<PublishRequest, PublishResponse>;

/** Trace's end of the direct bus: the handler of TraceService.Publish. */
export class DirectSource implements EventSource {
  readonly #receive: ReceiveBatch;
  readonly #guard: Guard | undefined;
  readonly #open = new Set<Stream>();
  /** Those whose batch is being stored. */
  readonly #storing = new Set<Stream>();
  #closing = false;

  /** `guard`: says whose each stream is; with none, it may be anybody's. */
  constructor(receive: ReceiveBatch, guard?: Guard) {
    this.#receive = receive;
    this.#guard = guard;
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
    const source = sourceOf(this.#guard?.callerOf(stream) ?? TRUSTED);
    for await (const request of requestsOf(stream)) {
      if (this.#closing) return;
      const batch = required(wellFormed(request).batch, "batch");
      if (source !== undefined && batch.source !== source) throw notTheirs(source, batch.source);
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

/** A source publishes its own events. */
function notTheirs(own: string, claimed: string): OperationRefused {
  const message = `this is source ${own}, and the events are said to be those of ${claimed}`;
  return new OperationRefused({ code: "permissionDenied", definite: true, message });
}

/** Undefined: any. */
function sourceOf(caller: Caller): string | undefined {
  switch (caller.kind) {
    case "trusted":
      return undefined;
    case "service":
      return caller.name;
    case "person":
      return PEOPLES_SOURCE;
    case "stranger":
      throw new Error("a stranger's stream was let in");
  }
}

function statusOf(error: unknown): { code: status; details: string } {
  const details = error instanceof Error ? error.message : String(error);
  return failureOfThrown(error) ?? { code: status.INTERNAL, details };
}
