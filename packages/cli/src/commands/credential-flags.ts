/** What services and clients show to each other: flags and variables of every command that talks to a host. */
import { UsageError } from "@vmcslab/lab/errors";
import {
  type CredentialSources,
  type Credentials,
  CredentialsError,
  Exposed,
  isExposed,
  readClientCredentials,
  readServiceCredentials,
  type ServiceName,
} from "@vmcslab/runtime";
import { flagOrEnv } from "./flag-or-env.js";

export interface CredentialFlags {
  readonly tlsDir?: string;
  readonly tokenFile?: string;
}

export interface ServiceCredentialFlags extends CredentialFlags {
  readonly insecure?: true;
}

/**
 * Throws UsageError for files that are missing, do not fit together, or are another service's, and when others could reach the service and nobody would ask them who
 * they are.
 */
export function serviceCredentials(
  flags: ServiceCredentialFlags & { readonly listen?: string },
  name: ServiceName,
): { credentials: Credentials } {
  const insecure = flags.insecure === true || flagOrEnv(undefined, "VMCSLAB_INSECURE") === "1";
  const credentials = orUsageError(() => readServiceCredentials({ ...sources(flags), insecure }));
  if (credentials.usesTls && credentials.name !== name)
    throw new UsageError(
      `--tls-dir: the certificate is that of ${credentials.name ?? "no service"}, and this is ${name}`,
    );
  const listen = flagOrEnv(flags.listen, "GRPC_LISTEN");
  if (listen !== undefined && isExposed(listen, credentials)) throw new UsageError(new Exposed(listen).message);
  return { credentials };
}

/** Of a person or tool. Throws UsageError likewise. */
export function clientCredentials(flags: CredentialFlags): Credentials {
  return orUsageError(() => readClientCredentials(sources(flags)));
}

function sources({ tlsDir, tokenFile }: CredentialFlags): CredentialSources {
  return {
    directory: flagOrEnv(tlsDir, "TLS_DIR"),
    ca: flagOrEnv(undefined, "TLS_CA"),
    certificate: flagOrEnv(undefined, "TLS_CERT"),
    key: flagOrEnv(undefined, "TLS_KEY"),
    tokenFile: flagOrEnv(tokenFile, "VMCSLAB_TOKEN_FILE"),
    token: flagOrEnv(undefined, "VMCSLAB_TOKEN"),
  };
}

export function orUsageError<T>(read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    if (thrown instanceof CredentialsError) throw new UsageError(thrown.message);
    throw thrown;
  }
}
