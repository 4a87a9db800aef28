import { type Clock, type Credentials, L0Client } from "@vmcslab/runtime";
import { UnavailableError } from "../errors.js";

const TIMEOUT_MS = 15_000;
const INTERVAL_MS = 20;

/** Ends when L0 can use all CPUs. Throws UnavailableError when it cannot in time. */
export async function waitForCpus(
  l0Address: string,
  cpus: number,
  clock: Clock,
  { timeoutMs = TIMEOUT_MS, credentials }: { readonly timeoutMs?: number; readonly credentials?: Credentials } = {},
): Promise<void> {
  const client = new L0Client(l0Address, credentials);
  const endNs = clock.monoNs() + timeoutMs * 1e6;
  let state = "L0 does not answer";
  try {
    while (clock.monoNs() < endNs) {
      const answer = await client.listCpus();
      const online = answer.ok ? answer.value.filter((cpu) => cpu.state === "online").length : 0;
      if (online === cpus) return;
      state = answer.ok ? `${online} of ${cpus} CPUs are online` : answer.error.message;
      await clock.sleep(INTERVAL_MS);
    }
  } finally {
    client.close();
  }
  throw new UnavailableError(`the host is not complete after ${timeoutMs / 1_000} s: ${state}`);
}
