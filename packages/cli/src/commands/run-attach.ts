/** `vmcslab run --attach`: which host that runs already. */
import type { AttachOptions } from "@vmcslab/lab";
import { UsageError } from "@vmcslab/lab/errors";
import type { RunFlags } from "./run.js";
import { flagOrEnv } from "./service-flags.js";

/** Trace's port above L0's, in docker-compose.yml and wherever nothing else is said. */
const TRACE_PORT_ABOVE_L0 = 200;

/** As docker-compose.yml names itself. */
const PROJECT = "vmcslab";

type AttachFlags = Pick<RunFlags, "attach" | "trace" | "compose">;

/** Undefined: a host of its own is to be started. */
export function attachOptions({ attach, trace, compose }: AttachFlags): AttachOptions | undefined {
  const l0Address = flagOrEnv(attach, "VMCSLAB_ATTACH");
  if (compose !== undefined) {
    const project = compose === true ? (flagOrEnv(undefined, "COMPOSE_PROJECT_NAME") ?? PROJECT) : compose;
    if (l0Address === undefined) return { project, ...(trace === undefined ? {} : { traceAddress: trace }) };
    return { project, ...addresses(l0Address, trace) };
  }
  if (l0Address === undefined) {
    if (trace !== undefined) throw new UsageError("--trace goes with --attach or --compose");
    return undefined;
  }
  return addresses(l0Address, trace);
}

function addresses(l0Address: string, trace: string | undefined): { l0Address: string; traceAddress: string } {
  return { l0Address, traceAddress: flagOrEnv(trace, "TRACE_ADDR") ?? besideL0(l0Address) };
}

function besideL0(l0Address: string): string {
  const [, host, port] = /^(.+):(\d{1,5})$/.exec(l0Address) ?? [];
  if (host === undefined || port === undefined) throw new UsageError(`--attach: "${l0Address}" is not host:port`);
  return `${host}:${Number(port) + TRACE_PORT_ABOVE_L0}`;
}
