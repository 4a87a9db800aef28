import { decodeRequest } from "../../codec/frames/decode.js";
import { encodeResponse } from "../../codec/frames/encode.js";
import type { InterconnectEndpoint } from "../endpoint.js";

/** A CPU that can be reached in process. */
export interface InProcessTarget {
  /** Opens a stream; the returned function takes an encoded ConnectRequest, `answer` is given encoded ConnectResponses. */
  connect(answer: (bytes: Uint8Array) => void): (bytes: Uint8Array) => void;
}

export function inProcessTarget(endpoint: InterconnectEndpoint): InProcessTarget {
  return {
    connect(answer) {
      const stream = endpoint.connect();
      return (bytes) => {
        for (const response of stream.receive(decodeRequest(bytes))) answer(encodeResponse(response));
      };
    },
  };
}
