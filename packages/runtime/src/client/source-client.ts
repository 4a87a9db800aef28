import type { Answer } from "@vmcslab/nested";
import type { SequencePosition } from "../bus/recorder.js";
import { positionFromWire } from "../codec/position.js";
import { EventSourceServiceService as EventSource } from "../generated/vmcslab/v1/source.js";
import { UnaryCaller } from "../rpc/call.js";
import { Credentials } from "../security/credentials.js";
import type { ServiceName } from "../security/identity.js";

/** Has a CPU or L0 publish what it buffers, and learns where its sequence stands. `address`: host:port of the service; `expected`: whose that is. */
export async function flushEvents(
  address: string,
  credentials: Credentials = Credentials.none,
  expected?: ServiceName,
): Promise<Answer<SequencePosition>> {
  const caller = new UnaryCaller(address, credentials.dial(expected));
  const answer = await caller.call(EventSource.flushEvents, {}, positionFromWire);
  caller.close();
  return answer;
}
