/** The containers of a host, as docker-compose.yml has them. */
import { cpuName, FILES, type ServiceName } from "@vmcslab/runtime";
import { GenericContainer, Network, type StartedNetwork } from "testcontainers";
import { type HostCredentials, TLS_DIRECTORY } from "./credentials.js";
import { ServiceContainer, type ServiceContainerOptions } from "./service-container.js";
import { cpuPort, type HostSettings, PORTS } from "./settings.js";

const LISTENING = /"msg":"listening/;
/** In the container's own file system, which outlives its processes. */
const SPOOL = "/var/lib/vmcslab/spool";

export interface HostContainers {
  readonly network: StartedNetwork;
  readonly nats: ServiceContainer;
  readonly trace: ServiceContainer;
  readonly l0: ServiceContainer;
  readonly proxy: ServiceContainer;
  readonly cpus: readonly ServiceContainer[];
}

/**
 * Docker publishes a container's port on the network of its that comes first by name. Ours come after Docker's own `bridge`, so that a container
 * that is cut off from the host can still be asked by the test.
 */
export async function startNetwork(id: string): Promise<StartedNetwork> {
  return await new Network({ nextUuid: () => `vmcslab-${id}` }).start();
}

type StartOptions = Omit<ServiceContainerOptions, "network" | "startupTimeoutMs"> & { readonly name: ServiceName };

/** Starts all containers. `started` is told each, so that those that came up can be removed when another one does not. */
export async function startContainers(
  settings: HostSettings,
  network: StartedNetwork,
  credentials: HostCredentials,
  started: (container: ServiceContainer) => void,
): Promise<HostContainers> {
  const start = async (options: StartOptions) => {
    const { startupTimeoutMs } = settings;
    await credentials.copyTo(options.container, options.name);
    const container = await ServiceContainer.start({ ...options, network, startupTimeoutMs });
    started(container);
    return container;
  };
  const cpus = Array.from({ length: settings.cpus }, (_, cpu) => cpu);
  const nats = await start({
    name: "nats",
    aliases: [],
    port: PORTS.nats,
    container: new GenericContainer(settings.natsImage).withCommand([
      ...["--config", `${TLS_DIRECTORY}/nats.conf`],
      ...["--jetstream", "--store_dir", "/data"],
    ]),
    ready: /Server is ready/,
  });
  const [trace, l0, proxy] = await Promise.all([
    start({
      name: "trace",
      aliases: [],
      port: PORTS.trace,
      container: service(settings, ["trace"], {
        GRPC_LISTEN: `0.0.0.0:${PORTS.trace}`,
        HISTORY_DIR: "/var/lib/vmcslab/history",
        TRACE_CONSUMER: "trace",
        NATS_USER: "trace",
      }),
      ready: LISTENING,
    }),
    start({
      name: "l0",
      aliases: [],
      port: PORTS.l0,
      container: service(settings, ["l0", ...modelFlag(settings)], {
        GRPC_LISTEN: `0.0.0.0:${PORTS.l0}`,
        POOL_SIZE: `${settings.poolSize}`,
        NATS_USER: "l0",
        JOURNAL: settings.journal,
        EVENT_SPOOL: SPOOL,
      }),
      ready: LISTENING,
    }),
    start({
      name: "proxy",
      aliases: cpus.map((cpu) => `via-cpu${cpu}`),
      port: PORTS.proxyControl,
      container: service(settings, ["proxy", "--cpus", `${settings.cpus}`], {
        PROXY_LISTEN: "0.0.0.0",
        PROXY_CONTROL: `0.0.0.0:${PORTS.proxyControl}`,
      }),
      ready: LISTENING,
    }),
  ]);
  const startedCpus = await Promise.all(
    cpus.map((cpu) =>
      start({
        name: cpuName(cpu),
        aliases: ["cpu"],
        port: cpuPort(cpu),
        container: service(settings, ["cpu", ...modelFlag(settings)], {
          CPU_ID: `${cpu}`,
          NATS_USER: `cpu${cpu}`,
          EVENT_SPOOL: SPOOL,
          L0_ADDR: `l0:${PORTS.l0}`,
          GRPC_LISTEN: `0.0.0.0:${cpuPort(cpu)}`,
          GRPC_ADVERTISE: `via-cpu${cpu}:${cpuPort(cpu)}`,
        }),
        ready: LISTENING,
      }),
    ),
  );
  return { network, nats, trace, l0, proxy, cpus: startedCpus };
}

function service(
  settings: HostSettings,
  command: string[],
  environment: Readonly<Record<string, string>>,
): GenericContainer {
  return new QuietContainer(settings.image).withCommand(command).withEnvironment({
    TLS_DIR: TLS_DIRECTORY,
    NATS_URL: `tls://nats:${PORTS.nats}`,
    NATS_CA: `${TLS_DIRECTORY}/${FILES.ca}`,
    NATS_PASSWORD_FILE: `${TLS_DIRECTORY}/${FILES.natsPassword}`,
    VMCSLAB_HOST: settings.hostName,
    VMCSLAB_LOG_LEVEL: settings.logLevel,
    ...environment,
  });
}

/** Without the image's health check: we ask over gRPC, which costs less than a process in every container every few seconds. */
class QuietContainer extends GenericContainer {
  constructor(image: string) {
    super(image);
    this.createOpts.Healthcheck = { Test: ["NONE"] };
  }
}

function modelFlag({ cpuModel }: HostSettings): string[] {
  return cpuModel === undefined ? [] : ["--cpu-model", cpuModel];
}
