/** What ends a fault when its time is over, whatever became of this process by then. */
import { type ChildProcess, spawn } from "node:child_process";

export interface Guard {
  /** It watches. Rejects when there can be none: then there must be no fault. */
  readonly ready: Promise<void>;
  /** It is needed no more. */
  cancel(): void;
}

/** As long as we are there, the end is ours: it comes this much before. */
const MARGIN_NS = 1e9;
/** What it is to end may have been on its way yet: it is ended once more. */
const AGAIN_SECONDS = 10;

/** Runs a command of the shell a second after so many nanoseconds are over, and again later; `args` are its `$1`, `$2`, … */
export function startGuard(afterNs: number, command: string, args: readonly string[]): Guard {
  const seconds = ((Math.max(0, afterNs) + MARGIN_NS) / 1e9).toFixed(3);
  // Its shell and its sleep are a session of their own, which no signal for us reaches.
  const guard = spawn(
    "/bin/sh",
    ["-c", `sleep "$0"; ${command}; sleep ${AGAIN_SECONDS}; ${command}`, seconds, ...args],
    {
      detached: true,
      stdio: "ignore",
    },
  );
  guard.unref();
  const ready = new Promise<void>((resolve, reject) => {
    guard.once("spawn", resolve);
    guard.once("error", (error) => reject(new Error(`there is no shell to end a fault: ${error.message}`)));
  });
  // Whoever does not wait for it is not told.
  ready.catch(() => undefined);
  return { ready, cancel: () => killGroup(guard) };
}

function killGroup({ pid, exitCode, signalCode }: ChildProcess): void {
  if (pid === undefined || exitCode !== null || signalCode !== null) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It ended by itself meanwhile.
  }
}
