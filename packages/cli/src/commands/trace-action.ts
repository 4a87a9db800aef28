import { startTrace } from "@vmcslab/service-trace";
import { serveUntilStopped } from "./service.js";
import { flagOrEnv } from "./service-flags.js";

export interface TraceFlags {
  readonly dir?: string;
  readonly listen?: string;
  readonly nats?: string;
}

export async function traceCommand(flags: TraceFlags): Promise<void> {
  const directory = flagOrEnv(flags.dir, "HISTORY_DIR") ?? "history";
  const listen = flagOrEnv(flags.listen, "GRPC_LISTEN");
  const natsUrl = flagOrEnv(flags.nats, "NATS_URL");
  const options = {
    directory,
    ...(listen === undefined ? {} : { listen }),
    ...(natsUrl === undefined ? {} : { natsUrl }),
  };
  await serveUntilStopped(() => startTrace(options));
}
