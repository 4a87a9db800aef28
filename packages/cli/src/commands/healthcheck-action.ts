import { UsageError } from "@vmcslab/lab/errors";
import { checkHealth } from "@vmcslab/runtime";
import { flagOrEnv } from "./service-flags.js";

const UNAVAILABLE = 69;
const HTTP_TIMEOUT_MS = 1000;

/** Prints what the service says of itself, and says it as an exit code. */
export async function healthcheckCommand(address: string | undefined): Promise<number> {
  const asked = address ?? ownAddress();
  const status = asked.startsWith("http://") ? await checkHttp(asked) : await checkHealth(asked);
  process.stdout.write(`${status}\n`);
  return status === "SERVING" ? 0 : UNAVAILABLE;
}

/** Where the service beside us, in the same container, listens. */
function ownAddress(): string {
  const listen = flagOrEnv(undefined, "GRPC_LISTEN");
  if (listen === undefined) throw new UsageError("which service? give its host:port, or GRPC_LISTEN");
  return listen.replace(/^(?:0\.0\.0\.0|\[::\]):/, "127.0.0.1:");
}

async function checkHttp(url: string): Promise<"SERVING" | "NOT_SERVING" | "UNREACHABLE"> {
  try {
    const { ok } = await fetch(url, { signal: AbortSignal.timeout(HTTP_TIMEOUT_MS) });
    return ok ? "SERVING" : "NOT_SERVING";
  } catch {
    return "UNREACHABLE";
  }
}
