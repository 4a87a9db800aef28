/** What `vmcslab cpu`, `l0` and `trace` have in common: ready, run until told to stop, stop in order. */
import { errorMessage, UnavailableError, UsageError } from "@vmcslab/lab/errors";
import {
  DamagedHistory,
  Exposed,
  JournalDamaged,
  JournalLost,
  lifeline,
  OperationRefused,
  systemClock,
  useLeanHeap,
  within,
} from "@vmcslab/runtime";
import { logLevel } from "./settings.js";

export interface RunningService {
  /** host:port it listens on. */
  readonly address: string;
  /** Ends with why the service cannot go on, should that come to pass. */
  readonly failed?: Promise<Error>;
  stop(): Promise<void>;
}

/** For all that a service does when it is stopped, each step of which has a bound of its own; `docker stop` waits for 10 s. */
const STOP_BOUND_MS = 6000;

/** As a shell reports processes that a signal ended. */
const SIGNAL_EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;
type StopSignal = keyof typeof SIGNAL_EXIT_CODES;
const STOP_SIGNALS: readonly StopSignal[] = ["SIGINT", "SIGTERM"];

/**
 * Starts a service and serves until SIGINT or SIGTERM, or until the process that started us over an IPC channel is gone. Stops in order then; a second signal ends it at
 * once.
 */
export async function serveUntilStopped(start: () => Promise<RunningService>): Promise<void> {
  logLevel(process.env);
  useLeanHeap();
  // The parent may be gone before we are up.
  const parent = process.channel === undefined ? undefined : lifeline(() => process.exit(0));
  const service = await startOrUnavailable(start).catch((thrown: unknown) => {
    // The channel would keep a process that has nothing to do.
    parent?.release();
    process.disconnect?.();
    throw thrown;
  });
  const stopped = nextSignal();
  process.send?.({ ready: service.address });
  // Nobody catches it, so the process ends at once: what the service would still do in order may be wrong by now.
  void service.failed?.then((failure) => {
    throw new UnavailableError(failure.message);
  });
  await stopped;
  // Whoever asks twice does not want to wait.
  void nextSignal().then((signal) => process.exit(SIGNAL_EXIT_CODES[signal]));
  if (!(await within(systemClock, STOP_BOUND_MS, service.stop())))
    process.stderr.write(`vmcslab: not stopped in order within ${STOP_BOUND_MS / 1000} s; going all the same\n`);
  // An IPC channel and a pipe from the parent would keep the process.
  process.exit(0);
}

function nextSignal(): Promise<StopSignal> {
  return new Promise((resolve) => {
    const heard = (signal: StopSignal): void => {
      for (const name of STOP_SIGNALS) process.off(name, heard);
      resolve(signal);
    };
    for (const name of STOP_SIGNALS) process.on(name, heard);
  });
}

async function startOrUnavailable(start: () => Promise<RunningService>): Promise<RunningService> {
  try {
    return await start();
  } catch (thrown) {
    if (thrown instanceof Exposed) throw new UsageError(thrown.message);
    if (isUnavailable(thrown)) throw new UnavailableError(errorMessage(thrown));
    throw thrown;
  }
}

function isUnavailable(thrown: unknown): boolean {
  const isStore = [JournalLost, JournalDamaged, DamagedHistory, OperationRefused].some(
    (kind) => thrown instanceof kind,
  );
  if (isStore) return true;
  return thrown instanceof Error && thrown.message.startsWith("cannot listen");
}
