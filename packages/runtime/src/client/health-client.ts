import { service } from "grpc-health-check";
import { UnaryCaller } from "../rpc/call.js";
import { Credentials } from "../security/credentials.js";

export type HealthStatus = "SERVING" | "NOT_SERVING" | "UNREACHABLE";

/** What grpc.health.v1.Health/Check answers for a server as a whole, within `timeoutMs`. Never rejects. */
export async function checkHealth(
  address: string,
  timeoutMs = 1000,
  credentials: Credentials = Credentials.none,
): Promise<HealthStatus> {
  const check = service.Check;
  if (check === undefined) throw new Error("grpc-health-check has no Check");
  const caller = new UnaryCaller(address, credentials.dial());
  const answer = await caller.call(check, { service: "" }, isServing, timeoutMs);
  caller.close();
  if (!answer.ok) return "UNREACHABLE";
  return answer.value ? "SERVING" : "NOT_SERVING";
}

/** grpc-health-check gives enum values by name. */
function isServing(response: object): boolean {
  return "status" in response && response.status === "SERVING";
}
