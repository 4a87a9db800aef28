/** What a vcpu does about an operation that failed while faults are injected: it goes on where it can. */
import type { L1Vcpu } from "./l1-vcpu.js";
import { OperationFailed } from "./measured-host.js";
import type { WorkloadContext } from "./workload.js";

/** Long enough for a lease to end, or a CPU or L0 to come back, between the first attempt and the last. */
const RETRY_MS = 10;
const RETRY_MS_MAX = 250;
const ATTEMPTS_DEFAULT = 100;

/**
 * Carries a part out; false when an operation of it failed and the vcpu recovered, which `recovered` is told first. Throws OperationFailed where it cannot recover: without faults, when L0 says that
 * the vcpu is no more, or after many attempts.
 */
export async function enduring(
  part: () => Promise<void>,
  l1: L1Vcpu,
  context: WorkloadContext,
  recovered: () => void,
): Promise<boolean> {
  try {
    await part();
    return true;
  } catch (thrown) {
    if (context.hasFaults !== true || isFinal(thrown)) throw thrown;
    await recover(l1, context, thrown);
    recovered();
    return false;
  }
}

/** On the next CPU that takes it: where it was, it may be that nobody answers. */
async function recover(l1: L1Vcpu, context: WorkloadContext, cause: unknown): Promise<void> {
  const { cpus, signal, sleep, attempts = ATTEMPTS_DEFAULT } = context;
  let last = cause;
  for (let attempt = 1; attempt <= attempts && !signal.aborted; attempt++) {
    try {
      await l1.recoverOn((l1.cpu + attempt) % cpus);
      return;
    } catch (thrown) {
      if (isFinal(thrown)) throw thrown;
      last = thrown;
    }
    // Short at first, since most is over soon; all attempts together outlast any restart.
    await sleep(Math.min(RETRY_MS * attempt, RETRY_MS_MAX), signal);
  }
  throw last;
}

/** Creates a vcpu; under faults, on the next CPU that takes it. */
export async function createEnduring<T>(
  create: (cpu: number) => Promise<T>,
  cpu: number,
  { hasFaults, cpus, signal, sleep, attempts = ATTEMPTS_DEFAULT }: WorkloadContext,
): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await create((cpu + attempt) % cpus);
    } catch (thrown) {
      const isLast = hasFaults !== true || attempt === attempts || signal.aborted;
      if (isLast || !(thrown instanceof OperationFailed)) throw thrown;
    }
    await sleep(Math.min(RETRY_MS * (attempt + 1), RETRY_MS_MAX), signal);
  }
}

/** Trying again would change nothing. */
function isFinal(thrown: unknown): boolean {
  return !(thrown instanceof OperationFailed) || thrown.error.code === "vcpuKilled" || thrown.error.code === "notFound";
}
