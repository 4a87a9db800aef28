import type { HistoryEvent } from "@vmcslab/history";
import {
  CpuClient,
  type Credentials,
  checkHealth,
  L0Client,
  natsEvents,
  PEOPLES_USER,
  systemClock,
  TraceClient,
} from "@vmcslab/runtime";
import { Clients } from "./clients.js";
import type { HostContainers } from "./containers.js";
import type { HostCredentials } from "./credentials.js";
import { type LinkDelay, setLinkFaults } from "./link-control.js";
import type { ServiceContainer } from "./service-container.js";
import type { HostSettings } from "./settings.js";
import { within } from "./within.js";

const HEALTH_TIMEOUT_MS = 1000;

/** A nested host that runs in containers. What fails in here says what the containers logged. */
export class StartedVmcslabHost implements AsyncDisposable {
  readonly #containers: HostContainers;
  readonly #settings: HostSettings;
  readonly #credentials: HostCredentials;
  readonly #l0 = new Clients((address) => new L0Client(address, this.credentials));
  readonly #trace = new Clients((address) => new TraceClient(address, this.credentials));
  readonly #cpus = new Clients((address) => new CpuClient(address, this.credentials));
  readonly #stopping = new AbortController();

  constructor(containers: HostContainers, settings: HostSettings, credentials: HostCredentials) {
    this.#containers = containers;
    this.#settings = settings;
    this.#credentials = credentials;
  }

  /** For clients of your own: a person with the token. */
  get credentials(): Credentials {
    return this.#credentials.client;
  }

  /** The folder with the CA and the token, for `vmcslab run --attach --tls-dir`. It is gone when the host is stopped. */
  get tlsDirectory(): string {
    return this.#credentials.directoryOf(PEOPLES_USER);
  }

  /** L0's operations. Ask for it again after `restartL0`: its port is another one then. */
  get l0(): L0Client {
    return this.#l0.at(this.#containers.l0.address);
  }

  get trace(): TraceClient {
    return this.#trace.at(this.#containers.trace.address);
  }

  /** One processor. Ask for it again after `restartCpu`. */
  cpu(cpu: number): CpuClient {
    return this.#cpus.at(this.#cpu(cpu).address);
  }

  get cpuCount(): number {
    return this.#containers.cpus.length;
  }

  /** Addresses for clients of your own, and for `vmcslab run --attach`. */
  get addresses(): { readonly l0: string; readonly trace: string; readonly nats: string; readonly cpus: string[] } {
    const { l0, trace, nats, cpus } = this.#containers;
    return { l0: l0.address, trace: trace.address, nats: nats.address, cpus: cpus.map(({ address }) => address) };
  }

  /** Options of the `nats` client for a connection of your own to `addresses.nats`: it may read events. */
  get natsOptions(): { readonly user: string; readonly pass: string; readonly tls: { readonly ca: string } } {
    return this.#credentials.natsOptions;
  }

  /** Every event of the host from its beginning, then those to come, read from NATS JetStream. Ends when the loop is left, or with `stop`. */
  events(): AsyncGenerator<HistoryEvent> {
    return this.#events(this.#stopping.signal);
  }

  /** The first event that fits, past or to come. Rejects when none comes within `timeoutMs`. */
  async event(fits: (event: HistoryEvent) => boolean, timeoutMs = 10_000): Promise<HistoryEvent> {
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(timeoutMs)]);
    for await (const event of this.#events(signal)) if (fits(event)) return event;
    return await this.#fail(`no such event within ${timeoutMs} ms`);
  }

  /** Stops the CPU's clock: connections stay, nothing answers. */
  async pauseCpu(cpu: number): Promise<void> {
    await this.#cpu(cpu).pause();
  }

  async unpauseCpu(cpu: number): Promise<void> {
    await this.#cpu(cpu).unpause();
  }

  /** kill -9: what the CPU cached is gone. */
  async killCpu(cpu: number): Promise<void> {
    await this.#cpu(cpu).kill();
  }

  /** Starts it again, killed or running. Ends when L0 can use it. */
  async restartCpu(cpu: number): Promise<void> {
    await this.#cpu(cpu).restart();
    await this.#online(cpu);
  }

  /** Takes the CPU off the network: silence in both directions, to L0 and to NATS. */
  async partitionCpu(cpu: number): Promise<void> {
    await this.#cpu(cpu).disconnect();
  }

  /** Ends what `partitionCpu` and `slowCpu` began. Ends itself when L0 can use the CPU. */
  async healCpu(cpu: number): Promise<void> {
    const container = this.#cpu(cpu);
    if (!(await container.isConnected())) await container.connect();
    await setLinkFaults(this.#containers.proxy.address, this.credentials, cpu, {});
    await this.#online(cpu);
  }

  /** Everything between L0 and the CPU takes longer. `healCpu` ends it. */
  async slowCpu(cpu: number, delay: LinkDelay): Promise<void> {
    this.#cpu(cpu);
    await setLinkFaults(this.#containers.proxy.address, this.credentials, cpu, delay);
  }

  /** kill -9 of L0, trace or NATS. Their `restart…` starts them again. */
  async kill(service: "l0" | "trace" | "nats"): Promise<void> {
    await this.#containers[service].kill();
  }

  /** It goes on with its vcpus, if it has a journal. Ends when L0 can use every CPU. */
  async restartL0(): Promise<void> {
    await this.#restart(this.#containers.l0);
  }

  async restartTrace(): Promise<void> {
    await this.#restart(this.#containers.trace);
  }

  async restartNats(): Promise<void> {
    await this.#restart(this.#containers.nats);
  }

  /** Ends when L0 can use every CPU and every service serves. */
  async ready(): Promise<void> {
    const { l0, trace, cpus } = this.#containers;
    for (let cpu = 0; cpu < cpus.length; cpu++) await this.#online(cpu);
    for (const { name, address } of [l0, trace, ...cpus]) {
      await this.#until(
        `${name} serves`,
        async () => (await checkHealth(address, HEALTH_TIMEOUT_MS, this.credentials)) === "SERVING",
      );
    }
  }

  /** The end of every container's log, for the report of a test that failed. */
  async logs(): Promise<string> {
    const logs = await Promise.all(this.#all().map((container) => container.logs().catch(String)));
    return logs.join("\n");
  }

  /** Removes everything. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const clients of [this.#l0, this.#trace, this.#cpus]) clients.close();
    await Promise.allSettled(this.#all().map((container) => container.remove()));
    await this.#containers.network.stop();
    await this.#credentials.remove();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #events(signal: AbortSignal): AsyncGenerator<HistoryEvent> {
    const { address: url } = this.#containers.nats;
    return natsEvents({ url, login: this.#credentials.natsLogin, clock: systemClock, signal });
  }

  async #restart(container: ServiceContainer): Promise<void> {
    await container.restart();
    await this.ready();
  }

  async #online(cpu: number): Promise<void> {
    await this.#until(`CPU ${cpu} is online`, async () => {
      const own = await this.cpu(cpu).state();
      const known = await this.l0.listCpus();
      if (!own.ok || !known.ok) return false;
      const { incarnation } = own.value;
      return known.value.some(
        (info) => info.cpu === cpu && info.state === "online" && info.incarnation === incarnation,
      );
    });
  }

  async #until(what: string, holds: () => Promise<boolean>): Promise<void> {
    const { startupTimeoutMs } = this.#settings;
    if (await within(startupTimeoutMs, holds)) return;
    await this.#fail(`after ${startupTimeoutMs} ms it is still not so that ${what}`);
  }

  async #fail(message: string): Promise<never> {
    throw new Error(`${message}\n${await this.logs()}`);
  }

  #all(): ServiceContainer[] {
    const { cpus, proxy, l0, trace, nats } = this.#containers;
    return [...cpus, proxy, l0, trace, nats];
  }

  #cpu(cpu: number): ServiceContainer {
    const container = this.#containers.cpus[cpu];
    if (container === undefined) throw new Error(`no CPU ${cpu}: the host has ${this.cpuCount}`);
    return container;
  }
}
