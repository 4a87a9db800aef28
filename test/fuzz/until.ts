import { checkHealth, systemClock } from "@vmcslab/runtime";

/** Waits until something is so. Rejects when it is not in time. */
export async function until(what: string, isSo: () => Promise<boolean>, timeoutMs = 20_000): Promise<void> {
  const endNs = systemClock.monoNs() + timeoutMs * 1e6;
  while (!(await isSo())) {
    if (systemClock.monoNs() > endNs) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await systemClock.sleep(50);
  }
}

/** Waits until a service says that it can do its work. */
export function untilServing(address: string): Promise<void> {
  return until(`${address} serves`, async () => (await checkHealth(address)) === "SERVING");
}
