import { spawn } from "node:child_process";
import type { Clock } from "../clock.js";

/** Time for the answer to whoever injected it to leave the process. */
const ANSWER_MS = 10;

/** Whether this process can stand still, and be sure to go on: it needs a shell, and an init process where it is in a container. Undefined: it can. */
export function whyNotStalled(): string | undefined {
  if (process.platform === "win32") return "Windows has no SIGSTOP";
  return whyNotKilled();
}

/** Undefined: this process can kill itself. */
export function whyNotKilled(): string | undefined {
  return process.pid === 1
    ? "process 1 of a container ignores such signals from inside: run the container with an init process (init: true), or pause and kill the container"
    : undefined;
}

/** This process stands still soon, for so long. A guard of its own continues it, so that it goes on whatever becomes of everybody else. */
export function stallSelf(forNs: number, clock: Clock, onFailure: (reason: string) => void): void {
  clock.after(ANSWER_MS, () => {
    const seconds = (forNs / 1e9).toFixed(3);
    const guard = spawn("/bin/sh", ["-c", `sleep ${seconds}; kill -CONT ${process.pid}`], {
      detached: true,
      stdio: "ignore",
    });
    guard.once("error", (error) => onFailure(`there is no shell to end it: ${error.message}`));
    guard.unref();
    // Without a guard nobody would continue it.
    if (guard.pid !== undefined) process.kill(process.pid, "SIGSTOP");
  });
}

/** This process dies soon, as by kill -9: nothing is flushed, nobody is told. */
export function killSelfSoon(clock: Clock): void {
  clock.after(ANSWER_MS, killSelf);
}

/** It dies here and now. */
export function killSelf(): void {
  process.kill(process.pid, "SIGKILL");
}
