/** The containers of a host that docker compose brought up, found by the labels that it gives them. */
import { z } from "zod";
import { errorMessage, UnavailableError, UsageError } from "../../errors.js";
import { docker } from "./docker.js";

const PROJECT = "com.docker.compose.project";
const SERVICE = "com.docker.compose.service";

export interface Container {
  /** Of the service: `l0`, `cpu0`. */
  readonly name: string;
  readonly id: string;
  /** As `docker update --restart` takes it. */
  readonly restartPolicy: string;
  /** Ports that its processes use with L0: its own and, of a CPU, L0's. */
  readonly ports: readonly number[];
  /** host:port under which its own port is published here; undefined: it is not. */
  readonly published: string | undefined;
  /** The published port is drawn anew whenever the container starts. */
  readonly isPortDrawn: boolean;
}

const inspected = z.array(
  z.object({
    Id: z.string(),
    Config: z.object({ Env: z.array(z.string()).nullable(), Labels: z.record(z.string(), z.string()) }),
    HostConfig: z.object({
      RestartPolicy: z.object({ Name: z.string(), MaximumRetryCount: z.number() }),
      PortBindings: z
        .record(z.string(), z.array(z.object({ HostPort: z.string() })).nullable())
        .nullable()
        .default(null),
    }),
    NetworkSettings: z.object({
      Ports: z
        .record(z.string(), z.array(z.object({ HostIp: z.string(), HostPort: z.string() })).nullable())
        .nullable(),
    }),
  }),
);
type Inspected = z.infer<typeof inspected>[number];

/** By name. Throws UsageError when the project has no L0 here, UnavailableError when docker does not answer. */
export async function findContainers(project: string): Promise<ReadonlyMap<string, Container>> {
  const filter = ["--filter", `label=${PROJECT}=${project}`, "--filter", `label=${SERVICE}`];
  const ids = (await docker(["ps", "--all", "--no-trunc", "--quiet", ...filter])).split("\n").filter((id) => id !== "");
  const containers = ids.length === 0 ? [] : parse(await docker(["inspect", ...ids])).map(containerOf);
  const found = new Map(containers.map((container) => [container.name, container]));
  if (found.has("l0")) return found;
  throw new UsageError(`docker has no host of the compose project "${project}": docker compose ls shows what there is`);
}

/** The file of its network namespace on this machine, while it runs. */
export async function networkNamespace({ id }: Container): Promise<string> {
  return (await docker(["inspect", "--format", "{{.NetworkSettings.SandboxKey}}", id])).trim();
}

function parse(text: string): Inspected[] {
  try {
    return inspected.parse(JSON.parse(text));
  } catch (thrown) {
    throw new UnavailableError(`docker inspect answers in a way that is not known here: ${errorMessage(thrown)}`);
  }
}

function containerOf({ Id, Config, HostConfig, NetworkSettings }: Inspected): Container {
  const env = new Map(
    (Config.Env ?? []).map((line) => line.split("=", 2)).map(([name = "", value = ""]) => [name, value]),
  );
  const own = portOf(env.get("GRPC_LISTEN"));
  const l0 = portOf(env.get("L0_ADDR"));
  const [binding] = (own === undefined ? undefined : NetworkSettings.Ports?.[`${own}/tcp`]) ?? [];
  const [wanted] = (own === undefined ? undefined : HostConfig.PortBindings?.[`${own}/tcp`]) ?? [];
  const { Name, MaximumRetryCount } = HostConfig.RestartPolicy;
  return {
    name: Config.Labels[SERVICE] ?? "",
    id: Id,
    restartPolicy: `${Name === "" ? "no" : Name}${MaximumRetryCount > 0 ? `:${MaximumRetryCount}` : ""}`,
    ports: [own, l0].filter((port) => port !== undefined),
    published: binding === undefined ? undefined : `${reachable(binding.HostIp)}:${binding.HostPort}`,
    isPortDrawn: wanted === undefined || wanted.HostPort === "" || wanted.HostPort === "0",
  };
}

function portOf(address: string | undefined): number | undefined {
  const port = /:(\d+)$/.exec(address ?? "")?.[1];
  return port === undefined ? undefined : Number(port);
}

/** Where it is published on every address, ours will do. */
function reachable(address: string): string {
  return address === "" || address === "0.0.0.0" || address === "::" ? "127.0.0.1" : address;
}
