import { type ServerDuplexStream, status } from "@grpc/grpc-js";
import { InvalidMessage } from "../../codec/invalid-message.js";
import {
  type ConnectRequest,
  type ConnectResponse,
  InterconnectServiceService,
} from "../../generated/vmcslab/v1/interconnect.js";
import { type ServedService, served } from "../../rpc/served.js";
import { type InterconnectEndpoint, ProtocolViolation } from "../endpoint.js";

type Stream = ServerDuplexStream<ConnectRequest, ConnectResponse>;

/** A CPU that can be reached over gRPC. */
export interface GrpcTarget {
  readonly service: ServedService;
  /** Ends the open streams, so that the server can stop. */
  close(): void;
}

export function grpcTarget(endpoint: InterconnectEndpoint): GrpcTarget {
  const open = new Set<Stream>();
  const connect = (stream: Stream): void => {
    open.add(stream);
    answer(endpoint, stream);
    stream.on("close", () => open.delete(stream));
    stream.on("cancelled", () => open.delete(stream));
    stream.on("end", () => {
      open.delete(stream);
      stream.end();
    });
  };
  return {
    service: served("vmcslab.v1.InterconnectService", InterconnectServiceService, { connect }),
    close() {
      for (const stream of open) stream.end();
    },
  };
}

function answer(endpoint: InterconnectEndpoint, stream: Stream): void {
  const conversation = endpoint.connect();
  stream.on("data", (request: ConnectRequest) => {
    try {
      for (const response of conversation.receive(request)) stream.write(response);
    } catch (error) {
      if (!(error instanceof ProtocolViolation || error instanceof InvalidMessage)) throw error;
      const code = error instanceof InvalidMessage ? status.INVALID_ARGUMENT : status.FAILED_PRECONDITION;
      stream.emit("error", { code, details: error.message });
    }
  });
  // A broken stream is L0's to notice: it connects again and asks for what it misses.
  stream.on("error", () => undefined);
}
