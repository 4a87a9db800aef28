/** What a service shows to others and wants to see of them: its flags and variables. */
import { UsageError } from "@vmcslab/lab/errors";
import { type Credentials, Exposed, isExposed, readServiceCredentials, type ServiceName } from "@vmcslab/runtime";
import { type CredentialFlags, credentialSources, orUsageError } from "./client-credentials.js";
import { flagOrEnv } from "./flag-or-env.js";

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
  const credentials = orUsageError(() => readServiceCredentials({ ...credentialSources(flags), insecure }));
  if (credentials.usesTls && credentials.name !== name)
    throw new UsageError(
      `--tls-dir: the certificate is that of ${credentials.name ?? "no service"}, and this is ${name}`,
    );
  const listen = flagOrEnv(flags.listen, "GRPC_LISTEN");
  if (listen !== undefined && isExposed(listen, credentials)) throw new UsageError(new Exposed(listen).message);
  return { credentials };
}
