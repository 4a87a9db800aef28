import { Client, type ServiceError, status } from "@grpc/grpc-js";
import type { ConnectResponse } from "../../generated/vmcslab/v1/interconnect.js";
import { LIMITS } from "../../limits.js";
import { Credentials } from "../../security/credentials.js";
import type { ServiceName } from "../../security/identity.js";
import type { LinkBroken, Transport } from "../port.js";
import { FrameQueue } from "./frame-queue.js";
import { INTERCONNECT } from "./service.js";
import { INCARNATION_KEY } from "./target.js";

/** Frames over one bidirectional gRPC stream. `address`: host:port of the CPU's InterconnectService; `expected`: which CPU that is. */
export function grpcTransport(
  address: string,
  credentials: Credentials = Credentials.none,
  expected?: ServiceName,
): Transport {
  const dial = credentials.dial(expected);
  const client = new Client(address, dial.credentials, {
    ...dial.options,
    "grpc.max_receive_message_length": LIMITS.completionBytes.max,
  });
  return {
    open(receive, broken) {
      let open = true;
      const { path, requestSerialize, responseDeserialize } = INTERCONNECT.connect;
      const stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
      const end = (cause: LinkBroken): void => {
        if (!open) return;
        open = false;
        broken(cause);
      };
      const queue = new FrameQueue((frame) => {
        if (open) stream.write(frame);
      });
      stream.on("data", (frame: ConnectResponse) => {
        if (!open) return;
        queue.received(frame);
        receive(frame);
      });
      stream.on("error", (error: ServiceError) =>
        end({ message: error.message, refused: isRefusal(error), gone: isGone(error), ...lifeOf(error) }),
      );
      stream.on("end", () => end({ message: "the CPU ended the stream", refused: false, gone: false }));
      return {
        send(frame) {
          if (open) queue.send(frame);
        },
        close() {
          open = false;
          stream.cancel();
        },
      };
    },
    close() {
      client.close();
    },
  };
}

function lifeOf({ metadata }: ServiceError): { incarnation?: number } {
  const incarnation = Number(metadata?.get(INCARNATION_KEY)[0]);
  return Number.isSafeInteger(incarnation) ? { incarnation } : {};
}

/** The causes that @grpc/grpc-js puts into the details of UNAVAILABLE when it could not connect. */
const NOBODY_THERE = /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH/;

function isGone(error: ServiceError): boolean {
  return error.code === status.UNAVAILABLE && NOBODY_THERE.test(error.details);
}

/** Statuses with which a CPU says that it understood and will not talk to us. */
function isRefusal(error: ServiceError): boolean {
  return error.code === status.FAILED_PRECONDITION || error.code === status.INVALID_ARGUMENT;
}
