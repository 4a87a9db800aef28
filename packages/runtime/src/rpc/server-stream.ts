import { type EventEmitter, once } from "node:events";
import { type handleServerStreamingCall, type ServerWritableStream, status } from "@grpc/grpc-js";
import { wellFormed } from "./malformed.js";
import { failureOfThrown } from "./rpc-error.js";

/** A handler that answers with what `read` yields, as fast as the client takes it. It may throw as those of `UnaryHandlers` may. */
export function serverStream<Request, Response>(
  read: (request: Request) => AsyncIterable<Response>,
): handleServerStreamingCall<Request, Response> {
  return (stream) => {
    send(stream, read).then(
      () => stream.end(),
      (error: unknown) =>
        stream.emit("error", failureOfThrown(error) ?? { code: status.INTERNAL, details: String(error) }),
    );
  };
}

async function send<Request, Response>(
  stream: ServerWritableStream<Request, Response>,
  read: (request: Request) => AsyncIterable<Response>,
): Promise<void> {
  for await (const response of read(wellFormed(stream.request))) {
    if (stream.cancelled) return;
    if (!stream.write(response)) await drainedOrCancelled(stream);
  }
}

/** Leaves no listener behind: a long answer waits often. */
async function drainedOrCancelled(stream: EventEmitter): Promise<void> {
  const ended = new AbortController();
  const { signal } = ended;
  await Promise.race([once(stream, "drain", { signal }), once(stream, "cancelled", { signal })]);
  ended.abort();
}
