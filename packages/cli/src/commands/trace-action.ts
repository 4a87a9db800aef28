import { startTrace } from "@vmcslab/service-trace";
import { serveUntilStopped } from "./service.js";
import { flagOrEnv, metricsOptions } from "./service-flags.js";
import { natsUrl } from "./settings.js";

export interface TraceFlags {
  readonly dir?: string;
  readonly listen?: string;
  readonly nats?: string;
  readonly consumer?: string;
  readonly metrics?: string;
}

export async function traceCommand(flags: TraceFlags): Promise<void> {
  const directory = flagOrEnv(flags.dir, "HISTORY_DIR") ?? "history";
  const listen = flagOrEnv(flags.listen, "GRPC_LISTEN");
  const url = natsUrl(flags.nats, process.env);
  const consumer = flagOrEnv(flags.consumer, "TRACE_CONSUMER");
  const options = {
    directory,
    ...(listen === undefined ? {} : { listen }),
    ...(url === undefined ? {} : { natsUrl: url }),
    ...(consumer === undefined ? {} : { consumer }),
    ...metricsOptions(flags),
  };
  await serveUntilStopped(() => startTrace(options));
}
