import { type Clock, checkHealth, withoutCredentials } from "@vmcslab/runtime";
import { UnavailableError } from "../../errors.js";

const TIMEOUT_MS = 10_000;
const INTERVAL_MS = 50;

export interface Served {
  readonly name: string;
  readonly address: string;
}

/** Ends when every service answers that it serves: it has its bus. Throws UnavailableError when one does not in time. */
export async function waitUntilServing(
  services: readonly Served[],
  natsUrl: string | undefined,
  clock: Clock,
): Promise<void> {
  const endNs = clock.monoNs() + TIMEOUT_MS * 1e6;
  const states = await Promise.all(services.map((service) => stateAtEnd(service, endNs, clock)));
  const waiting = states.flatMap((state) => state ?? []);
  if (waiting.length === 0) return;
  const bus = natsUrl === undefined ? "trace" : `NATS at ${withoutCredentials(natsUrl)}`;
  throw new UnavailableError(
    `${bus} cannot be reached: after ${TIMEOUT_MS / 1_000} s ${waiting.join(", ")} do not serve`,
  );
}

/** The name of a service that does not serve by then. */
async function stateAtEnd({ name, address }: Served, endNs: number, clock: Clock): Promise<string | undefined> {
  while (clock.monoNs() < endNs) {
    if ((await checkHealth(address)) === "SERVING") return undefined;
    await clock.sleep(INTERVAL_MS);
  }
  return name;
}
