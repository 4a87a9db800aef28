import { type GenericContainer, getContainerRuntimeClient, type StartedNetwork, Wait } from "testcontainers";

const KEPT_LOG_LINES = 60;

export interface ServiceContainerOptions {
  /** As others on the network call it. */
  readonly name: string;
  readonly aliases: readonly string[];
  /** The port that tests reach it at. */
  readonly port: number;
  readonly container: GenericContainer;
  readonly network: StartedNetwork;
  /** A line of its log that says that it is up. */
  readonly ready: RegExp;
  readonly startupTimeoutMs: number;
}

/** One container of a host, through all its lives: it may be killed and started again. */
export class ServiceContainer {
  readonly #options: ServiceContainerOptions;
  readonly #id: string;
  readonly #host: string;
  #address: string;

  private constructor(options: ServiceContainerOptions, id: string, host: string, port: number) {
    this.#options = options;
    this.#id = id;
    this.#host = host;
    this.#address = `${host}:${port}`;
  }

  /** Rejects with the container's own words when it does not come up. */
  static async start(options: ServiceContainerOptions): Promise<ServiceContainer> {
    const { name, aliases, port, container, network, ready, startupTimeoutMs } = options;
    const lines: string[] = [];
    container
      .withNetwork(network)
      .withNetworkAliases(name, ...aliases)
      .withExposedPorts(port)
      .withWaitStrategy(Wait.forLogMessage(ready))
      .withStartupTimeout(startupTimeoutMs)
      .withLogConsumer((stream) => {
        stream.on("data", (line: unknown) => {
          lines.push(String(line).trimEnd());
          if (lines.length > KEPT_LOG_LINES) lines.shift();
        });
      });
    try {
      const started = await container.start();
      return new ServiceContainer(options, started.getId(), started.getHost(), started.getMappedPort(port));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`${name} did not start: ${reason}${logsOf(name, lines)}`, { cause: error });
    }
  }

  get name(): string {
    return this.#options.name;
  }

  /** host:port for tests. Another one after each start of the container. */
  get address(): string {
    return this.#address;
  }

  async pause(): Promise<void> {
    await (await this.#container()).pause();
  }

  async unpause(): Promise<void> {
    await (await this.#container()).unpause();
  }

  /** SIGKILL. The container stays, and what is in its file system. */
  async kill(): Promise<void> {
    const container = await this.#container();
    await container.kill({ signal: "SIGKILL" });
    await container.wait();
  }

  /** Stops it in order if it runs, and starts it again. */
  async restart(): Promise<void> {
    const container = await this.#container();
    const { State } = await container.inspect();
    if (State.Paused) await container.unpause();
    if (State.Running) await container.restart({ t: 10 });
    else await container.start();
    await this.#findPort();
  }

  /** Off the host's network: no packet in, none out. Tests reach it as before, over Docker's own network. */
  async disconnect(): Promise<void> {
    const network = await this.#network();
    await network.disconnect({ Container: this.#id, Force: true });
  }

  async connect(): Promise<void> {
    const network = await this.#network();
    const { name, aliases } = this.#options;
    await network.connect({ Container: this.#id, EndpointConfig: { Aliases: [name, ...aliases] } });
  }

  async isConnected(): Promise<boolean> {
    const { NetworkSettings } = await (await this.#container()).inspect();
    return this.#options.network.getName() in NetworkSettings.Networks;
  }

  /** The end of its log, of all its lives. */
  async logs(): Promise<string> {
    const container = await this.#container();
    const output = await container.logs({ stdout: true, stderr: true, tail: KEPT_LOG_LINES });
    return logsOf(this.name, linesOf(output));
  }

  async remove(): Promise<void> {
    await (await this.#container()).remove({ force: true, v: true });
  }

  async #findPort(): Promise<void> {
    const { NetworkSettings } = await (await this.#container()).inspect();
    const [binding] = NetworkSettings.Ports[`${this.#options.port}/tcp`] ?? [];
    if (binding === undefined) throw new Error(`${this.name} is not reachable: Docker published no port for it`);
    this.#address = `${this.#host}:${binding.HostPort}`;
  }

  async #container() {
    return (await getContainerRuntimeClient()).container.getById(this.#id);
  }

  async #network() {
    return (await getContainerRuntimeClient()).network.getById(this.#options.network.getId());
  }
}

function logsOf(name: string, lines: readonly string[]): string {
  const shown = lines.length === 0 ? ["(nothing)"] : lines;
  return `\n--- log of ${name} ---\n${shown.join("\n")}`;
}

const FRAME_HEADER_BYTES = 8;

/** Docker sends both streams of a container in frames: a header, whose last four bytes are the length, then what was written. */
function linesOf(output: Buffer): string[] {
  let text = "";
  for (let at = 0; at + FRAME_HEADER_BYTES <= output.length; ) {
    const end = at + FRAME_HEADER_BYTES + output.readUInt32BE(at + 4);
    text += output.toString("utf8", at + FRAME_HEADER_BYTES, end);
    at = end;
  }
  return text.split("\n").filter((line) => line !== "");
}
