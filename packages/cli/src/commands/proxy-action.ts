import { UsageError } from "@vmcslab/lab/errors";
import { createLogger, startProxy, systemClock } from "@vmcslab/runtime";
import { type ServiceCredentialFlags, serviceCredentials } from "./credential-flags.js";
import { flagOrEnv } from "./flag-or-env.js";
import { serveUntilStopped } from "./service.js";
import { wholeNumber } from "./service-flags.js";

export interface ProxyFlags extends ServiceCredentialFlags {
  readonly cpus?: string;
  readonly link: readonly string[];
  readonly listen?: string;
  readonly control?: string;
}

const FIRST_CPU_PORT = 7100;
const LOOPBACK = "127.0.0.1";

export async function proxyCommand(flags: ProxyFlags): Promise<void> {
  const host = flagOrEnv(flags.listen, "PROXY_LISTEN") ?? LOOPBACK;
  const control = flagOrEnv(flags.control, "PROXY_CONTROL") ?? `${LOOPBACK}:8474`;
  const links = [...cpuLinks(flags.cpus), ...flags.link.map(parseLink)].map(({ name, port, target }) => ({
    name,
    listen: { host, port },
    target,
  }));
  if (links.length === 0) throw new UsageError("which links? give --cpus or --link");
  const { credentials } = serviceCredentials({ ...flags, listen: control }, "proxy");
  const logger = createLogger({ service: "proxy" });
  await serveUntilStopped(async () => {
    const proxy = await startProxy({
      ...{ links, credentials, clock: systemClock },
      control: parseAddress(control, "--control"),
    });
    logger.info({ control, links: links.map(({ name }) => name) }, "listening");
    return { address: control, stop: () => proxy.stop() };
  });
}

interface LinkFlag {
  readonly name: string;
  readonly port: number;
  readonly target: { readonly host: string; readonly port: number };
}

function cpuLinks(cpus: string | undefined): LinkFlag[] {
  const count = cpus === undefined ? 0 : wholeNumber(cpus, "--cpus");
  return Array.from({ length: count }, (_, cpu) => {
    const port = FIRST_CPU_PORT + cpu;
    return { name: `cpu${cpu}`, port, target: { host: `cpu${cpu}`, port } };
  });
}

function parseLink(text: string): LinkFlag {
  const [, name, port, target] = /^([\w-]+)=(\d{1,5}):(.+)$/.exec(text) ?? [];
  if (name === undefined || port === undefined || target === undefined) {
    throw new UsageError(`--link: "${text}" is not NAME=PORT:HOST:PORT`);
  }
  return { name, port: Number(port), target: parseAddress(target, "--link") };
}

function parseAddress(text: string, flag: string): { host: string; port: number } {
  const [, host, port] = /^\[?([^\]]+)\]?:(\d{1,5})$/.exec(text) ?? [];
  if (host === undefined || port === undefined) throw new UsageError(`${flag}: "${text}" is not host:port`);
  return { host, port: Number(port) };
}
