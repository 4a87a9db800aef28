/** What the services of one host and its test show to each other; made anew for every host. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Credentials,
  FILES,
  makeCredentials,
  type NatsLogin,
  PEOPLES_USER,
  readClientCredentials,
  readSecretFile,
  type ServiceName,
  systemClock,
} from "@vmcslab/runtime";
import type { GenericContainer } from "testcontainers";

/** In every container. */
export const TLS_DIRECTORY = "/etc/vmcslab/tls";
/** Copied files belong to root, and services run as another user. */
const READABLE = 0o444;
const DAYS = 7;

export class HostCredentials {
  readonly #directory: string;
  /** Of the test: a person with the token. */
  readonly client: Credentials;
  /** Of the test, at NATS. */
  readonly natsLogin: NatsLogin;

  private constructor(directory: string) {
    this.#directory = directory;
    const own = this.directoryOf(PEOPLES_USER);
    this.client = readClientCredentials({ directory: own });
    this.natsLogin = {
      user: PEOPLES_USER,
      password: readSecretFile(join(own, FILES.natsPassword)),
      ca: readSecretFile(join(own, FILES.ca)).reveal(),
    };
  }

  static async make(cpus: number, host: string, dockerHost: string): Promise<HostCredentials> {
    const directory = await mkdtemp(join(tmpdir(), "vmcslab-tls-"));
    const names = [dockerHost];
    const rest = { days: DAYS, keep: false, natsDirectory: TLS_DIRECTORY, clock: systemClock };
    await makeCredentials({ directory, cpus, host, names, ...rest });
    return new HostCredentials(directory);
  }

  get natsOptions(): { readonly user: string; readonly pass: string; readonly tls: { readonly ca: string } } {
    const { password, ca = "" } = this.natsLogin;
    return { user: PEOPLES_USER, pass: password?.reveal() ?? "", tls: { ca } };
  }

  /** `--tls-dir` of somebody. */
  directoryOf(name: ServiceName | typeof PEOPLES_USER): string {
    return join(this.#directory, name);
  }

  /** Puts a service's files into its container. */
  async copyTo(container: GenericContainer, name: ServiceName): Promise<GenericContainer> {
    const own = this.directoryOf(name);
    const files = await Promise.all(
      (await readdir(own)).map(async (file) => ({
        content: await readFile(join(own, file)),
        target: `${TLS_DIRECTORY}/${file}`,
        mode: READABLE,
      })),
    );
    return container.withCopyContentToContainer(files);
  }

  async remove(): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
  }
}
