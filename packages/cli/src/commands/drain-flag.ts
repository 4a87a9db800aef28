import { UsageError } from "@vmcslab/lab/errors";
import { durationMs } from "./duration-flag.js";
import { flagOrEnv } from "./flag-or-env.js";

/** With what else a CPU does when it stops, within the bound of a service's stop. */
const DRAIN_MS_MAX = 3000;

/** `--drain`. Throws UsageError for one that outlasts the stop that it is a part of. */
export function drainOption(flag: string | undefined): { drainMs?: number } {
  const text = flagOrEnv(flag, "CPU_DRAIN");
  if (text === undefined) return {};
  const drainMs = durationMs(text, "--drain");
  if (drainMs > DRAIN_MS_MAX) throw new UsageError(`--drain: ${text} is more than ${DRAIN_MS_MAX / 1000}s`);
  return { drainMs };
}
