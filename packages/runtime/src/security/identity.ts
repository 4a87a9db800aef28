/** Who a certificate says that its holder is. */
/** As sources of events are called: `l0`, `trace`, `cpu3`; and `proxy`, whose control people reach, and `nats`. */
export type ServiceName = "l0" | "trace" | "proxy" | "nats" | `cpu${number}`;

/** What any of several services will do for. */
export type ServiceKind = "l0" | "trace" | "cpu";

const URI = "urn:vmcslab:service:";
const NAME = /^(?:l0|trace|proxy|nats|cpu(?:0|[1-9]\d{0,8}))$/;

/** The subject alternative name that makes a certificate one of ours. */
export function identityUri(name: ServiceName): string {
  return `${URI}${name}`;
}

export function isServiceName(name: string): name is ServiceName {
  return NAME.test(name);
}

export function cpuName(cpu: number): ServiceName {
  return `cpu${cpu}`;
}

export function kindOf(name: ServiceName): ServiceKind | undefined {
  if (name === "l0" || name === "trace") return name;
  return name.startsWith("cpu") ? "cpu" : undefined;
}

/** Undefined: it names no service of ours, or more than one. Whoever asks has verified the certificate. */
export function identityOf({
  subjectaltname,
}: {
  readonly subjectaltname?: string | undefined;
}): ServiceName | undefined {
  const names = (subjectaltname ?? "").split(", ").filter((name) => name.startsWith(`URI:${URI}`));
  const [uri, ...others] = names;
  const name = uri?.slice(`URI:${URI}`.length);
  return name !== undefined && others.length === 0 && isServiceName(name) ? name : undefined;
}
