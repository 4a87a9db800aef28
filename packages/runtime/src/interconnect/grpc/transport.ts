import { credentials, type ServiceError, status } from "@grpc/grpc-js";
import { InterconnectServiceClient } from "../../generated/vmcslab/v1/interconnect.js";
import { LIMITS } from "../../limits.js";
import { CHANNEL_OPTIONS } from "../../rpc/channel-options.js";
import type { LinkBroken, Transport } from "../port.js";

/** Frames over one bidirectional gRPC stream. `address`: host:port of the CPU's InterconnectService. */
export function grpcTransport(address: string): Transport {
  const client = new InterconnectServiceClient(address, credentials.createInsecure(), {
    ...CHANNEL_OPTIONS,
    "grpc.max_receive_message_length": LIMITS.completionBytes.max,
  });
  return {
    open(receive, broken) {
      let open = true;
      const stream = client.connect();
      const end = (cause: LinkBroken): void => {
        if (!open) return;
        open = false;
        broken(cause);
      };
      stream.on("data", (frame) => {
        if (open) receive(frame);
      });
      stream.on("error", (error: ServiceError) =>
        end({ message: error.message, refused: isRefusal(error), gone: isGone(error) }),
      );
      stream.on("end", () => end({ message: "the CPU ended the stream", refused: false, gone: false }));
      return {
        send(frame) {
          if (open) stream.write(frame);
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

/** The causes that @grpc/grpc-js puts into the details of UNAVAILABLE when it could not connect. */
const NOBODY_THERE = /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH/;

function isGone(error: ServiceError): boolean {
  return error.code === status.UNAVAILABLE && NOBODY_THERE.test(error.details);
}

/** Statuses with which a CPU says that it understood and will not talk to us. */
function isRefusal(error: ServiceError): boolean {
  return error.code === status.FAILED_PRECONDITION || error.code === status.INVALID_ARGUMENT;
}
