/** `vmcslab run --attach`: which host that runs already. */
import type { AttachOptions } from "@vmcslab/lab";
import { UsageError } from "@vmcslab/lab/errors";
import { clientCredentials } from "./client-credentials.js";
import { flagOrEnv } from "./flag-or-env.js";
import type { RunFlags } from "./run.js";

/** Trace's port above L0's, in docker-compose.yml and wherever nothing else is said. */
const TRACE_PORT_ABOVE_L0 = 200;

/** As docker-compose.yml names itself. */
const PROJECT = "vmcslab";

export type AttachFlags = Pick<RunFlags, "attach" | "trace" | "compose" | "tlsDir" | "tokenFile">;

/** Undefined: a host of its own is to be started. */
export function attachOptions(flags: AttachFlags): AttachOptions | undefined {
  const { attach, trace, compose, tlsDir, tokenFile } = flags;
  const l0Address = flagOrEnv(attach, "VMCSLAB_ATTACH");
  if (compose !== undefined) {
    const project = compose === true ? (flagOrEnv(undefined, "COMPOSE_PROJECT_NAME") ?? PROJECT) : compose;
    const given = clientCredentials(flags);
    // The containers have what it takes, and whoever may use docker may have it.
    const credentials = given.usesTls ? { credentials: given } : {};
    if (l0Address === undefined)
      return { project, ...credentials, ...(trace === undefined ? {} : { traceAddress: trace }) };
    return { project, ...credentials, ...addresses(l0Address, trace) };
  }
  if (l0Address === undefined) {
    if (trace !== undefined) throw new UsageError("--trace goes with --attach or --compose");
    if (tlsDir !== undefined || tokenFile !== undefined)
      throw new UsageError(
        "--tls-dir and --token-file go with --attach or --compose: a host of its own listens on loopback, without authentication",
      );
    return undefined;
  }
  return { ...addresses(l0Address, trace), credentials: clientCredentials(flags) };
}

function addresses(l0Address: string, trace: string | undefined): { l0Address: string; traceAddress: string } {
  return { l0Address, traceAddress: flagOrEnv(trace, "TRACE_ADDR") ?? besideL0(l0Address) };
}

function besideL0(l0Address: string): string {
  const [, host, port] = /^(.+):(\d{1,5})$/.exec(l0Address) ?? [];
  if (host === undefined || port === undefined) throw new UsageError(`--attach: "${l0Address}" is not host:port`);
  return `${host}:${Number(port) + TRACE_PORT_ABOVE_L0}`;
}
