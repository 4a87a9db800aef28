import { Server, type ServerCredentials } from "@grpc/grpc-js";
import { HealthImplementation } from "grpc-health-check";
import { type Clock, within } from "../clock.js";
import { LIMITS } from "../limits.js";
import type { Logger } from "../logger.js";
import { Credentials } from "../security/credentials.js";
import { Exposed, isExposed, isLoopback } from "../security/exposure.js";
import { addReflection } from "./reflection.js";
import type { ServedService } from "./served.js";

const DRAIN_BOUND_MS = 1000;
/** tryShutdown waits for peers, also for peers that are gone. */
const SHUTDOWN_BOUND_MS = 1000;

export interface ServeOptions {
  /** host:port to listen on; port 0 takes a free one. */
  readonly listen: string;
  readonly services: readonly ServedService[];
  readonly clock: Clock;
  /** What it shows, and what it asks of its callers. Default: nothing. */
  readonly credentials?: Credentials;
  /** Is told when everybody is let in from other machines. */
  readonly logger?: Pick<Logger, "warn">;
  /** Ends when no handler of ours runs. */
  readonly drained: () => Promise<void>;
  /** Ends long-lived streams, which would keep the server from stopping. */
  readonly closeStreams?: () => void;
}

export interface RunningServer {
  /** host:port it listens on. */
  readonly address: string;
  /** What health answers, for the server as a whole ("") and for each of its services. NOT_SERVING at first. */
  setServing(serving: boolean): void;
  /** NOT_SERVING, wait for our own handlers at most a second, tryShutdown, and after another second forceShutdown. */
  stop(): Promise<void>;
}

/** Starts a gRPC server with health and reflection. Rejects when it cannot listen on the address, and with {@link Exposed} when strangers could reach it and nobody would ask who they are. */
export async function serve(options: ServeOptions): Promise<RunningServer> {
  const { credentials = Credentials.none } = options;
  const { guard } = credentials;
  if (isExposed(options.listen, credentials)) throw new Exposed(options.listen);
  const server = new Server({
    "grpc.max_concurrent_streams": 4096,
    "grpc.max_receive_message_length": LIMITS.messageBytes.max,
    ...(guard === undefined ? {} : { interceptors: [guard.interceptor] }),
  });
  const names = options.services.map((service) => service.name);
  const health = new HealthImplementation();
  const setServing = (serving: boolean): void => {
    for (const name of ["", ...names]) health.setStatus(name, serving ? "SERVING" : "NOT_SERVING");
  };
  setServing(false);
  health.addToServer(server);
  for (const { definition, implementation } of options.services) server.addService(definition, implementation);
  addReflection(server, names);
  if (guard === undefined && !isLoopback(options.listen))
    options.logger?.warn(
      { listen: options.listen },
      "insecure: other machines can reach this service, and nobody asks who calls",
    );
  const port = await bind(server, options.listen, credentials.server());
  let stopping: Promise<void> | undefined;
  return {
    address: `${hostOf(options.listen)}:${port}`,
    setServing(serving) {
      if (stopping === undefined) setServing(serving);
    },
    stop() {
      stopping ??= stop(server, options, () => setServing(false));
      return stopping;
    },
  };
}

function bind(server: Server, listen: string, credentials: ServerCredentials): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(listen, credentials, (error, port) => {
      if (error === null) resolve(port);
      else reject(new Error(`cannot listen on ${listen}: ${error.message}`));
    });
  });
}

async function stop(server: Server, options: ServeOptions, notServing: () => void): Promise<void> {
  notServing();
  await within(options.clock, DRAIN_BOUND_MS, options.drained());
  options.closeStreams?.();
  const shutdown = new Promise<void>((resolve) => {
    server.tryShutdown(() => resolve());
  });
  await within(options.clock, SHUTDOWN_BOUND_MS, shutdown);
  server.forceShutdown();
}

/** The part before the port; keeps the brackets of an IPv6 address. */
function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(":"));
}
