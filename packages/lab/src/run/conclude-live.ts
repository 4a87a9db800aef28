/** The end of a live run with faults: everybody comes back, and what the workload could not destroy goes. */
import { systemClock } from "@vmcslab/runtime";
import { errorMessage } from "../errors.js";
import type { LiveFaults } from "../faults/live-faults.js";
import type { RunningTarget } from "../target/target.js";

/** Attempts to destroy a vcpu: CPUs that have just come back may have deadlines of old operations to sit out. */
const ATTEMPTS = 5;
const REACH_ATTEMPTS = 20;
const REACH_PAUSE_MS = 100;

/** What did not come right, in sentences. */
export async function concludeLive(live: LiveFaults, { faults, host }: RunningTarget): Promise<string[]> {
  await live.heal();
  live.close();
  try {
    await faults?.whole();
  } catch (thrown) {
    return [`the host did not settle when its faults had ended: ${errorMessage(thrown)}`];
  }
  const left = await whenReached(host);
  if (!left.ok) return [`L0 did not tell which vcpus are left: ${left.error.message}`];
  const ends = await Promise.all(left.value.map((vcpu) => destroy(host, vcpu)));
  return ends.flatMap((end) => end ?? []);
}

/** Its connection may be waiting yet to try an L0 again that is long back. */
async function whenReached(host: RunningTarget["host"]): ReturnType<typeof host.listVcpus> {
  for (let attempt = 1; ; attempt++) {
    const left = await host.listVcpus();
    if (left.ok || attempt === REACH_ATTEMPTS) return left;
    await systemClock.sleep(REACH_PAUSE_MS);
  }
}

async function destroy(host: RunningTarget["host"], vcpu: number): Promise<string | undefined> {
  let message = "";
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const answer = await host.destroyVcpu(vcpu);
    if (answer.ok || answer.error.code === "notFound") return undefined;
    message = answer.error.message;
  }
  return `vcpu ${vcpu} could not be destroyed at the end: ${message}`;
}
