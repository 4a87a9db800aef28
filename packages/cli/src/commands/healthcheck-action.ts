import { UsageError } from "@vmcslab/lab/errors";
import type { Credentials } from "@vmcslab/runtime";
import { checkHealth } from "@vmcslab/runtime/health";
import { askHttp } from "@vmcslab/runtime/http";
import { type CredentialFlags, clientCredentials } from "./client-credentials.js";
import { flagOrEnv } from "./flag-or-env.js";

const UNAVAILABLE = 69;
const HEALTH_TIMEOUT_MS = 1000;
const HTTP_TIMEOUT_MS = 1000;

/** Prints what the service says of itself, and says it as an exit code. */
export async function healthcheckCommand(address: string | undefined, flags: CredentialFlags): Promise<number> {
  const asked = address ?? ownAddress();
  const credentials = clientCredentials(flags);
  const status = /^https?:\/\//.test(asked)
    ? await checkHttp(asked, credentials)
    : await checkHealth(asked, HEALTH_TIMEOUT_MS, credentials);
  process.stdout.write(`${status}\n`);
  return status === "SERVING" ? 0 : UNAVAILABLE;
}

/** Where the service beside us, in the same container, listens. */
function ownAddress(): string {
  const listen = flagOrEnv(undefined, "GRPC_LISTEN");
  if (listen === undefined) throw new UsageError("which service? give its host:port, or GRPC_LISTEN");
  return listen.replace(/^(?:0\.0\.0\.0|\[::\]):/, "127.0.0.1:");
}

async function checkHttp(url: string, credentials: Credentials): Promise<"SERVING" | "NOT_SERVING" | "UNREACHABLE"> {
  try {
    const { status } = await askHttp(url, credentials, { timeoutMs: HTTP_TIMEOUT_MS });
    return status === 200 ? "SERVING" : "NOT_SERVING";
  } catch {
    return "UNREACHABLE";
  }
}
