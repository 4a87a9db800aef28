/** The environment variables that `vmcslab run` obeys. Flags come before them, the experiment file after. */
import { didYouMean } from "../text/suggest.js";
import type { Override } from "./override.js";

/** What each variable means, for `--help` and docs/cli.md. */
export const RUN_ENVIRONMENT = {
  VMCSLAB_SEED: "seed of the run, or auto",
  VMCSLAB_RUNS_DIR: "folder for the runs' folders (default: runs)",
  VMCSLAB_LOG_LEVEL: "level of the services' logs: trace, debug, info, warn, error, fatal or silent (default: warn)",
  VMCSLAB_ATTACH: "host:port of L0 of a host that runs already, as --attach",
  TRACE_ADDR: "with VMCSLAB_ATTACH: host:port of trace",
  VMCSLAB_WITHOUT: "for tests: a safeguard that the host goes without, to show what it is for (docs/safeguards.md)",
  NATS_URL: "NATS server that carries the events, instead of a direct stream",
  NATS_USER: "user there, with NATS_PASSWORD or NATS_PASSWORD_FILE; or NATS_TOKEN, NATS_TOKEN_FILE, NATS_CREDS",
  NATS_CA: "certificates of the authorities that NATS's is to be from",
  TLS_DIR: "with VMCSLAB_ATTACH: folder with ca.crt and token, as --tls-dir",
  VMCSLAB_TOKEN: "the token of a host with authentication",
  VMCSLAB_TOKEN_FILE: "a file with it, as --token-file",
} as const;

/** The project's variables that other commands and the services read. */
const OTHER_VARIABLES = [
  "VMCSLAB_LOG_FORMAT",
  "VMCSLAB_REQUIRE",
  "VMCSLAB_HOST",
  "VMCSLAB_IMAGE",
  "VMCSLAB_INSECURE",
] as const;

/** What the environment puts over the experiment file. */
export function environmentOverrides(env: NodeJS.ProcessEnv): Override[] {
  const seed = env.VMCSLAB_SEED;
  if (seed === undefined || seed === "") return [];
  return [{ path: ["seed"], value: /^\d+$/.test(seed) ? Number(seed) : seed, origin: "VMCSLAB_SEED" }];
}

/** A warning for every `VMCSLAB_*` variable that nothing reads: probably a misspelling. */
export function environmentWarnings(env: NodeJS.ProcessEnv): string[] {
  const known = [...Object.keys(RUN_ENVIRONMENT), ...OTHER_VARIABLES];
  const unknown = Object.keys(env).filter((name) => name.startsWith("VMCSLAB_") && !known.includes(name));
  return unknown.map((name) => `environment variable ${name} is not known${didYouMean(name, known)}`);
}
