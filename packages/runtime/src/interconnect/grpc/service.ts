import { decodeRequest, decodeResponse } from "../../codec/frames/decode.js";
import { encodeRequest, encodeResponse } from "../../codec/frames/encode.js";
import { InterconnectServiceService } from "../../generated/vmcslab/v1/interconnect.js";

/** InterconnectService as generated, but for who reads and writes its frames. */
export const INTERCONNECT = {
  connect: {
    ...InterconnectServiceService.connect,
    requestSerialize: encodeRequest,
    requestDeserialize: decodeRequest,
    responseSerialize: encodeResponse,
    responseDeserialize: decodeResponse,
  },
};
