/** Settings that every command that starts services checks before it starts any. */
import { UsageError } from "@vmcslab/lab/errors";
import { didYouMean } from "@vmcslab/lab/text";
import { LOG_LEVELS, type LogLevel } from "@vmcslab/runtime";

/** `nats://user:password@host:4222`, `host:4222`. A word without scheme and port is a slip, not a host. */
const NATS_SERVER = /^(?<scheme>(?:nats|tls):\/\/)?(?:[^@\s/]+@)?(?:[^@\s/:,[\]]+|\[[0-9a-f:.]+\])(?<port>:\d{1,5})?$/i;

/** VMCSLAB_LOG_LEVEL, if it says anything. Throws UsageError with the levels that there are. */
export function logLevel(env: NodeJS.ProcessEnv): LogLevel | undefined {
  const wanted = env.VMCSLAB_LOG_LEVEL ?? "";
  if (wanted === "") return undefined;
  const level = LOG_LEVELS.find((known) => known === wanted);
  if (level !== undefined) return level;
  throw new UsageError(
    `VMCSLAB_LOG_LEVEL: "${wanted}" is not a level; it is one of ${LOG_LEVELS.join(", ")}${didYouMean(wanted, LOG_LEVELS)}`,
  );
}

/** Address of NATS from a flag or NATS_URL, if there is one. Throws UsageError when no server can be meant by it. */
export function natsUrl(flag: string | undefined, env: NodeJS.ProcessEnv): string | undefined {
  const url = flag ?? env.NATS_URL ?? "";
  if (url === "") return undefined;
  const { scheme, port } = NATS_SERVER.exec(url)?.groups ?? {};
  if (scheme !== undefined || port !== undefined) return url;
  throw new UsageError(
    `${flag === undefined ? "NATS_URL" : "--nats"}: "${url.replace(/[^@/]*@/, "…@")}" is not the address of a NATS server; write nats://host:4222`,
  );
}
