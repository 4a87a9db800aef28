/** `vmcslab certs`: an authority, a certificate for each service, the token of people, and passwords for NATS. */
import { X509Certificate } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import { type Clock, randomHex } from "../../clock.js";
import { cpuName, identityUri, type ServiceName } from "../identity.js";
import { CredentialsError, FILES } from "../read.js";
import { digestOf, Secret } from "../secret.js";
import { Folder, type Owner } from "./files.js";
import { type NatsUser, natsConfiguration, PEOPLES_USER } from "./nats-config.js";
import { type Issued, issue, newAuthority } from "./x509.js";

export interface MakeOptions {
  readonly directory: string;
  readonly cpus: number;
  /** Name of the host in NATS subjects. */
  readonly host: string;
  /** More names and addresses under which all services may be reached. */
  readonly names: readonly string[];
  readonly days: number;
  /** What is there stays, unless it ends soon; only what is missing is made. */
  readonly keep: boolean;
  /** Whom the files belong to. Default: us. */
  readonly owner?: Owner;
  /** Where the NATS server will find its folder. Default: where it is. */
  readonly natsDirectory?: string;
  readonly clock: Clock;
}

/** What was made, each a folder of `directory`. */
export interface Made {
  readonly created: readonly string[];
  readonly renewed: readonly string[];
}

const CA_DAYS = 3650;
/** A certificate that ends sooner than this is made anew. */
const RENEW_DAYS = 30;
const DAY_MS = 24 * 3600 * 1000;
const SECRET_BYTES = 32;
const CA_KEY = "ca.key";

/** Throws {@link CredentialsError} when there is something already and it is not to be kept. */
export async function makeCredentials(options: MakeOptions): Promise<Made> {
  const { directory, keep, owner, clock } = options;
  const isEmpty = !existsSync(directory) || readdirSync(directory).length === 0;
  if (!isEmpty && !keep)
    throw new CredentialsError(
      `${directory} is not empty: give another folder, or --keep to make only what is missing`,
    );
  const nowMs = clock.wallUs() / 1000;
  const folder = (name: string): Folder => new Folder(join(directory, name), owner);
  const authority = await authorityIn(folder("ca"), options.host, nowMs);
  const client = folder(PEOPLES_USER);
  client.write(FILES.ca, authority.certificate, false);
  if (!client.has(FILES.token)) client.write(FILES.token, `${randomHex(SECRET_BYTES)}\n`, true);
  const digest = digestOf(new Secret(client.read(FILES.token).trim())).toString("hex");
  const users: NatsUser[] = [{ name: PEOPLES_USER, password: passwordIn(client) }];
  const created: string[] = [];
  const renewed: string[] = [];
  for (const name of servicesOf(options.cpus)) {
    const own = folder(name);
    const isThere = own.has(FILES.certificate) && own.has(FILES.key);
    own.write(FILES.ca, authority.certificate, false);
    if (name !== "nats") own.write(FILES.tokenDigest, `${digest}\n`, true);
    if (name !== "nats" && name !== "proxy") users.push({ name, password: passwordIn(own) });
    if (isThere && isGood(own.read(FILES.certificate), authority, nowMs)) continue;
    const subject = { commonName: name, names: namesOf(name, options.names) };
    const issued = await issue(authority, subject, { nowMs, days: options.days });
    own.write(FILES.key, issued.key, true);
    own.write(FILES.certificate, issued.certificate, false);
    (isThere ? renewed : created).push(name);
  }
  const nats = folder("nats");
  nats.write("nats.conf", natsConfiguration(users, options.host, options.natsDirectory ?? nats.path), true);
  return { created, renewed };
}

function servicesOf(cpus: number): ServiceName[] {
  return ["l0", "trace", "nats", "proxy", ...Array.from({ length: cpus }, (_, cpu) => cpuName(cpu))];
}

async function authorityIn(folder: Folder, host: string, nowMs: number): Promise<Issued> {
  if (folder.has(FILES.ca) && folder.has(CA_KEY))
    return { certificate: folder.read(FILES.ca), key: folder.read(CA_KEY) };
  const made = await newAuthority(`vmcslab ${host}`, { nowMs, days: CA_DAYS });
  folder.write(CA_KEY, made.key, true);
  folder.write(FILES.ca, made.certificate, false);
  return made;
}

function passwordIn(folder: Folder): string {
  if (!folder.has(FILES.natsPassword)) folder.write(FILES.natsPassword, `${randomHex(SECRET_BYTES)}\n`, true);
  return folder.read(FILES.natsPassword).trim();
}

/** From this authority, and for a while yet. */
function isGood(pem: string, authority: Issued, nowMs: number): boolean {
  const certificate = new X509Certificate(pem);
  const endsMs = Date.parse(certificate.validTo);
  return (
    certificate.verify(new X509Certificate(authority.certificate).publicKey) && endsMs > nowMs + RENEW_DAYS * DAY_MS
  );
}

/** Who it is, and as what it may be reached: a CPU also through the proxy of the profile chaos. */
function namesOf(name: ServiceName, more: readonly string[]) {
  const hosts = [name, ...(name.startsWith("cpu") ? [`via-${name}`] : []), ...(name === "proxy" ? ["chaos"] : [])];
  const dns = [...hosts, "localhost", ...more.filter((other) => isIP(other) === 0)];
  const addresses = ["127.0.0.1", "::1", ...more.filter((other) => isIP(other) !== 0)];
  return [
    { type: "url", value: identityUri(name) },
    ...dns.map((value) => ({ type: "dns", value }) as const),
    ...addresses.map((value) => ({ type: "ip", value }) as const),
  ] as const;
}
