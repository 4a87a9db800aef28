import { Metadata, type ServerDuplexStream, status } from "@grpc/grpc-js";
import { InvalidMessage } from "../../codec/invalid-message.js";
import type { ConnectRequest, ConnectResponse } from "../../generated/vmcslab/v1/interconnect.js";
import { wellFormed } from "../../rpc/malformed.js";
import { type ServedService, served } from "../../rpc/served.js";
import { type InterconnectEndpoint, NoLease, ProtocolViolation } from "../endpoint.js";
import { INTERCONNECT } from "./service.js";

type Stream = ServerDuplexStream<ConnectRequest, ConnectResponse>;

/** A CPU that can be reached over gRPC. */
export interface GrpcTarget {
  readonly service: ServedService;
  /** This life of the CPU is over: the open streams end with FAILED_PRECONDITION, so that L0 hears it at once. */
  endLife(reason: string): void;
  /** Ends the open streams, so that the server can stop. */
  close(): void;
}

export function grpcTarget(endpoint: InterconnectEndpoint): GrpcTarget {
  const open = new Set<Stream>();
  const connect = (stream: Stream): void => {
    open.add(stream);
    const isOpen = (): boolean => open.has(stream);
    answer(endpoint, stream, isOpen, (failure) => {
      if (open.delete(stream)) stream.emit("error", failure);
    });
    stream.on("close", () => open.delete(stream));
    stream.on("cancelled", () => open.delete(stream));
    stream.on("end", () => {
      open.delete(stream);
      stream.end();
    });
  };
  return {
    service: served("vmcslab.v1.InterconnectService", INTERCONNECT, { connect }),
    endLife(details) {
      for (const stream of [...open]) if (open.delete(stream)) stream.emit("error", { code: REFUSED, details });
    },
    close() {
      for (const stream of open) stream.end();
    },
  };
}

/** Trailing metadata of a stream that ends because the CPU holds no lease: which life of it that is. */
export const INCARNATION_KEY = "vmcslab-incarnation";

interface Failure {
  readonly code: status;
  readonly details: string;
  readonly metadata?: Metadata;
}

function noLease({ message, incarnation }: NoLease): Failure {
  const metadata = new Metadata();
  metadata.set(INCARNATION_KEY, `${incarnation}`);
  return { code: status.UNAVAILABLE, details: message, metadata };
}

const REFUSED = status.FAILED_PRECONDITION;

/** `fail` ends the stream with a status, once. What arrives on a stream that has ended is not taken. */
function answer(
  endpoint: InterconnectEndpoint,
  stream: Stream,
  isOpen: () => boolean,
  fail: (failure: Failure) => void,
): void {
  const conversation = endpoint.connect();
  stream.on("data", (request: ConnectRequest) => {
    if (!isOpen()) return;
    try {
      for (const response of conversation.receive(wellFormed(request))) stream.write(response);
    } catch (error) {
      if (error instanceof ProtocolViolation) fail({ code: REFUSED, details: error.message });
      else if (error instanceof NoLease) fail(noLease(error));
      else if (error instanceof InvalidMessage) fail({ code: status.INVALID_ARGUMENT, details: error.message });
      else throw error;
    }
  });
  // A broken stream is L0's to notice: it connects again and asks for what it misses.
  stream.on("error", () => undefined);
}
