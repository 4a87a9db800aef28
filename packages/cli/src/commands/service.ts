/** What `vmcslab cpu`, `l0` and `trace` have in common: ready, run until told to stop, stop in order. */
import { errorMessage, UnavailableError } from "@vmcslab/lab/errors";
import { JournalDamaged, JournalLost, lifeline, useLeanHeap } from "@vmcslab/runtime";
import { logLevel } from "./settings.js";

export interface RunningService {
  /** host:port it listens on. */
  readonly address: string;
  /** Ends with why the service cannot go on, should that come to pass. */
  readonly failed?: Promise<Error>;
  stop(): Promise<void>;
}

/** Starts a service and serves until SIGINT or SIGTERM, or until the process that started us over an IPC channel is gone. */
export async function serveUntilStopped(start: () => Promise<RunningService>): Promise<void> {
  logLevel(process.env);
  useLeanHeap();
  // The parent may be gone before we are up.
  if (process.channel !== undefined) lifeline(() => process.exit(0));
  const service = await startOrUnavailable(start);
  const stopped = new Promise<void>((resolve) => {
    process.once("SIGINT", () => resolve());
    process.once("SIGTERM", () => resolve());
  });
  process.send?.({ ready: service.address });
  // Nobody catches it, so the process ends at once: what the service would still do in order may be wrong by now.
  void service.failed?.then((failure) => {
    throw new UnavailableError(failure.message);
  });
  await stopped;
  await service.stop();
  // An IPC channel and a pipe from the parent would keep the process.
  process.exit(0);
}

async function startOrUnavailable(start: () => Promise<RunningService>): Promise<RunningService> {
  try {
    return await start();
  } catch (thrown) {
    if (isUnavailable(thrown)) throw new UnavailableError(errorMessage(thrown));
    throw thrown;
  }
}

function isUnavailable(thrown: unknown): boolean {
  if (thrown instanceof JournalLost || thrown instanceof JournalDamaged) return true;
  return thrown instanceof Error && thrown.message.startsWith("cannot listen");
}
