/** Bytes that are no message. By itself gRPC answers INTERNAL to them, which says that the server is broken; here it is the request that is. */
import type { ServiceDefinition } from "@grpc/grpc-js";
import { InvalidMessage } from "../codec/invalid-message.js";

/** Handed to a handler in place of a request. */
class MalformedRequest {
  readonly why: string;

  constructor(thrown: unknown) {
    this.why = thrown instanceof Error ? thrown.message : String(thrown);
  }
}

/** The same methods; their requests are to be looked at by {@link wellFormed}. */
export function tolerant(definition: ServiceDefinition): ServiceDefinition {
  const methods = Object.entries(definition).map(([name, method]) => {
    const decode = method.requestDeserialize;
    const requestDeserialize = (bytes: Buffer): unknown => {
      try {
        return decode(bytes);
      } catch (thrown) {
        return new MalformedRequest(thrown);
      }
    };
    return [name, { ...method, requestDeserialize }] as const;
  });
  return Object.fromEntries(methods);
}

/** The request itself. Throws InvalidMessage for bytes that were none. */
export function wellFormed<Request>(request: Request): Request {
  if (request instanceof MalformedRequest)
    throw new InvalidMessage(`the request's bytes are no such message: ${request.why}`);
  return request;
}
