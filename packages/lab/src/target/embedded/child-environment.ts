/** What a service that is our child finds in its environment. */
import type { NatsLogin } from "@vmcslab/runtime";

/** What a user's environment says of buses, addresses and credentials is not meant for our children: they listen on loopback, and know nobody's secrets. */
const NOT_THEIRS = [
  "TRACE_ADDR",
  "L0_ADDR",
  "GRPC_LISTEN",
  "LOST_CPU",
  "CPU_LEASE",
  "JOURNAL",
  "EVENT_SPOOL",
  "CPU_DRAIN",
  "TLS_DIR",
  "TLS_CA",
  "TLS_CERT",
  "TLS_KEY",
  "VMCSLAB_TOKEN",
  "VMCSLAB_TOKEN_FILE",
  "VMCSLAB_INSECURE",
  "NATS_URL",
  "NATS_USER",
  "NATS_PASSWORD",
  "NATS_PASSWORD_FILE",
  "NATS_TOKEN",
  "NATS_TOKEN_FILE",
] as const;

/** Command lines are seen by everybody on a machine, so a login at NATS is handed on in the environment. Files that NATS_CREDS and NATS_CA name they read themselves. */
export function childEnvironment(
  own: NodeJS.ProcessEnv,
  logLevel: string,
  natsLogin: NatsLogin | undefined,
): NodeJS.ProcessEnv {
  const env = Object.fromEntries(Object.entries(own).filter(([name]) => !NOT_THEIRS.some((known) => known === name)));
  return { ...env, ...loginVariables(natsLogin ?? {}), VMCSLAB_LOG_LEVEL: logLevel };
}

function loginVariables({ user, password, token }: NatsLogin): NodeJS.ProcessEnv {
  return {
    ...(user === undefined ? {} : { NATS_USER: user }),
    ...(password === undefined ? {} : { NATS_PASSWORD: password.reveal() }),
    ...(token === undefined ? {} : { NATS_TOKEN: token.reveal() }),
  };
}
