import { UsageError } from "@vmcslab/lab/errors";
import { didYouMean } from "@vmcslab/lab/text";
import type { LostCpuPolicy } from "@vmcslab/service-l0";
import { durationMs } from "./duration-flag.js";
import { flagOrEnv } from "./flag-or-env.js";

export interface LostCpuFlags {
  readonly lostCpu?: string;
  readonly lease?: string;
}

const POLICIES: readonly LostCpuPolicy[] = ["wait", "fence", "kill"];

/** A beat is a quarter of it: below that, the pauses of a busy process cost a CPU its life. */
const LEASE_MS_MIN = 100;
/** What the wire carries, with room to spare. */
const LEASE_MS_MAX = 3_600_000;

/** `--lost-cpu` and `--lease`. Throws UsageError for a policy that there is not, and for a lease that nobody grants. */
export function lostCpuOptions(flags: LostCpuFlags): { lostCpu?: LostCpuPolicy; leaseMs?: number } {
  const lostCpu = policy(flagOrEnv(flags.lostCpu, "LOST_CPU"));
  const lease = flagOrEnv(flags.lease, "CPU_LEASE");
  if (lease !== undefined && (lostCpu ?? "wait") === "wait")
    throw new UsageError("--lease: L0 grants leases only with --lost-cpu fence or kill");
  return { ...(lostCpu === undefined ? {} : { lostCpu }), ...(lease === undefined ? {} : { leaseMs: leaseMs(lease) }) };
}

function policy(name: string | undefined): LostCpuPolicy | undefined {
  if (name === undefined) return undefined;
  const known = POLICIES.find((candidate) => candidate === name);
  if (known !== undefined) return known;
  throw new UsageError(`--lost-cpu: "${name}" is not one of ${POLICIES.join(", ")}${didYouMean(name, POLICIES)}`);
}

function leaseMs(text: string): number {
  const ms = durationMs(text, "--lease");
  if (ms < LEASE_MS_MIN || ms > LEASE_MS_MAX) throw new UsageError(`--lease: ${text} is not between 100ms and 60min`);
  return ms;
}
