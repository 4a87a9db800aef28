/** What people and tools show to a host. Loads no more than it takes: health checks of containers begin here every few seconds. */
import { UsageError } from "@vmcslab/lab/errors";
import type { Credentials } from "@vmcslab/runtime";
import { type CredentialSources, CredentialsError, readClientCredentials } from "@vmcslab/runtime/credentials";
import { flagOrEnv } from "./flag-or-env.js";

export interface CredentialFlags {
  readonly tlsDir?: string;
  readonly tokenFile?: string;
}

/** Of a person or tool. Throws UsageError for files that are missing or do not fit together. */
export function clientCredentials(flags: CredentialFlags): Credentials {
  return orUsageError(() => readClientCredentials(credentialSources(flags)));
}

/** Where the flags, and then the environment, say that they are. */
export function credentialSources({ tlsDir, tokenFile }: CredentialFlags): CredentialSources {
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
