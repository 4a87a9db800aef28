import { systemClock } from "@vmcslab/runtime";

const INTERVAL_MS = 50;

/** Whether it holds before the time is over. */
export async function within(timeoutMs: number, holds: () => Promise<boolean>): Promise<boolean> {
  const endNs = systemClock.monoNs() + timeoutMs * 1e6;
  while (!(await holds())) {
    if (systemClock.monoNs() > endNs) return false;
    await systemClock.sleep(INTERVAL_MS);
  }
  return true;
}
