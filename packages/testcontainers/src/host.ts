import { randomBits32 } from "@vmcslab/runtime";
import { getContainerRuntimeClient, type StartedNetwork } from "testcontainers";
import { startContainers, startNetwork } from "./containers.js";
import { HostCredentials } from "./credentials.js";
import type { ServiceContainer } from "./service-container.js";
import { DEFAULT_SETTINGS, type HostJournal, type HostSettings } from "./settings.js";
import { StartedVmcslabHost } from "./started-host.js";

export type { LinkDelay } from "./link-control.js";

/** A nested host that is not started yet: `await new VmcslabHost().withCpus(4).withPoolSize(2).start()` */
export class VmcslabHost {
  #settings: HostSettings = DEFAULT_SETTINGS;

  /** `image`: of the services. Default: VMCSLAB_IMAGE, else what `docker compose build` makes. */
  constructor(image?: string) {
    if (image !== undefined) this.#with({ image });
  }

  withCpus(cpus: number): this {
    if (!Number.isInteger(cpus) || cpus < 1 || cpus > 256) throw new Error(`${cpus} CPUs: 1 to 256`);
    return this.#with({ cpus });
  }

  /** vmcs02s per vcpu that does not say. */
  withPoolSize(poolSize: number): this {
    return this.#with({ poolSize });
  }

  /** `vmcslab models` lists them. */
  withCpuModel(cpuModel: string): this {
    return this.#with({ cpuModel });
  }

  /** What a killed L0 goes on from: `nats`, the default, or `none`: it begins with no vcpus. */
  withJournal(journal: HostJournal): this {
    return this.#with({ journal });
  }

  /** Name of the host in events and NATS subjects. Default: host. */
  withHostName(hostName: string): this {
    return this.#with({ hostName });
  }

  /** An image of NATS with JetStream. Default: NATS_IMAGE, else nats:2.10-alpine. */
  withNatsImage(natsImage: string): this {
    return this.#with({ natsImage });
  }

  /** Of the services' logs, which failures carry. Default: info. */
  withLogLevel(logLevel: string): this {
    return this.#with({ logLevel });
  }

  withStartupTimeout(startupTimeoutMs: number): this {
    return this.#with({ startupTimeoutMs });
  }

  /** Ends when every CPU is online and every service serves. Rejects with the logs of the containers; nothing is left then. */
  async start(): Promise<StartedVmcslabHost> {
    const containers: ServiceContainer[] = [];
    const credentials = await this.#credentials();
    const network = await startNetwork(`${randomBits32().toString(16)}-${process.pid}`);
    try {
      const started = await startContainers(this.#settings, network, credentials, (container) =>
        containers.push(container),
      );
      const host = new StartedVmcslabHost(started, this.#settings, credentials);
      await host.ready();
      return host;
    } catch (error) {
      await removeAll(containers, network);
      await credentials.remove();
      throw error;
    }
  }

  async #credentials(): Promise<HostCredentials> {
    const { cpus, hostName } = this.#settings;
    const client = await getContainerRuntimeClient();
    return await HostCredentials.make(cpus, hostName, client.info.containerRuntime.host);
  }

  #with(settings: Partial<HostSettings>): this {
    this.#settings = { ...this.#settings, ...settings };
    return this;
  }
}

async function removeAll(containers: readonly ServiceContainer[], network: StartedNetwork): Promise<void> {
  await Promise.allSettled(containers.map((container) => container.remove()));
  await network.stop();
}
