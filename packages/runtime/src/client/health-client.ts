import { BinaryReader } from "@bufbuild/protobuf/wire";
import { UnaryCaller } from "../rpc/call.js";
import { Credentials } from "../security/credentials.js";

export type HealthStatus = "SERVING" | "NOT_SERVING" | "UNREACHABLE";

/**
 * grpc.health.v1.Health/Check of the server as a whole: a request without fields. Written out, because a container asks every few seconds in a new process, and grpc-health-check,
 * which serves it, takes longer to load than all the rest.
 */
const CHECK = {
  path: "/grpc.health.v1.Health/Check",
  requestSerialize: (): Buffer => Buffer.alloc(0),
  responseDeserialize: isServing,
};
const STATUS_FIELD = 1;
const SERVING = 1;

/** What the server answers within `timeoutMs`. Never rejects. */
export async function checkHealth(
  address: string,
  timeoutMs = 1000,
  credentials: Credentials = Credentials.none,
): Promise<HealthStatus> {
  const caller = new UnaryCaller(address, credentials.dial());
  const answer = await caller.call(CHECK, {}, (serving) => serving, timeoutMs);
  caller.close();
  if (!answer.ok) return "UNREACHABLE";
  return answer.value ? "SERVING" : "NOT_SERVING";
}

/** Of HealthCheckResponse, whose only field is `status`. */
function isServing(response: Buffer): boolean {
  const reader = new BinaryReader(response);
  let serving = false;
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === STATUS_FIELD) serving = reader.int32() === SERVING;
    else reader.skip(wireType);
  }
  return serving;
}
