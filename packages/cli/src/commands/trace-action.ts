import { startTrace } from "@vmcslab/service-trace";
import { type ServiceCredentialFlags, serviceCredentials } from "./credential-flags.js";
import { flagOrEnv } from "./flag-or-env.js";
import { natsOptions } from "./nats-flags.js";
import { serveUntilStopped } from "./service.js";
import { metricsOptions } from "./service-flags.js";

export interface TraceFlags extends ServiceCredentialFlags {
  readonly dir?: string;
  readonly listen?: string;
  readonly nats?: string;
  readonly consumer?: string;
  readonly metrics?: string;
}

export async function traceCommand(flags: TraceFlags): Promise<void> {
  const directory = flagOrEnv(flags.dir, "HISTORY_DIR") ?? "history";
  const listen = flagOrEnv(flags.listen, "GRPC_LISTEN");
  const consumer = flagOrEnv(flags.consumer, "TRACE_CONSUMER");
  const options = {
    directory,
    ...(listen === undefined ? {} : { listen }),
    ...natsOptions(flags.nats, process.env),
    ...serviceCredentials(flags, "trace"),
    ...(consumer === undefined ? {} : { consumer }),
    ...metricsOptions(flags),
  };
  await serveUntilStopped(() => startTrace(options));
}
