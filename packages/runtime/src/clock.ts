/** Time and randomness. No other file of the project asks the machine for either; everything else is handed a {@link Clock}. */

import { readFileSync, readlinkSync } from "node:fs";
import type { Timer, Timers } from "@vmcslab/nested";

export type { Timer };

export interface Clock extends Timers {
  /** Microseconds since 1970. */
  wallUs(): number;
  /** Nanoseconds of the machine's monotonic clock. Exact for 104 days of uptime, to 2 ns for 208. */
  monoNs(): number;
  /** Runs `callback` once, no earlier than in `delayMs`. Node.js fires no finer than about 1 ms. */
  after(delayMs: number, callback: () => void): Timer;
  /** Ends after `delayMs`, or at once when `signal` aborts; never rejects. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

/** A monotonic clock that others may read too: equal ids are one clock. */
export interface SharedClock {
  /** Empty: nobody knows who else reads it. */
  readonly id: string;
  /** Nanoseconds. */
  nowNs(): number;
}

class SystemTimer implements Timer {
  readonly #handle: NodeJS.Timeout;

  constructor(delayMs: number, callback: () => void) {
    this.#handle = setTimeout(callback, delayMs);
  }

  cancel(): void {
    clearTimeout(this.#handle);
  }
}

/** Never changes, and costs as much to ask for as the time itself. */
const { timeOrigin } = performance;

export const systemClock: Clock = {
  wallUs: () => Math.round((timeOrigin + performance.now()) * 1000),
  monoNs: () => Number(process.hrtime.bigint()),
  after: (delayMs, callback) => new SystemTimer(delayMs, callback),
  sleep: (delayMs, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted === true) {
        resolve();
        return;
      }
      const finish = (): void => {
        timer.cancel();
        signal?.removeEventListener("abort", finish);
        resolve();
      };
      const timer = new SystemTimer(delayMs, finish);
      signal?.addEventListener("abort", finish, { once: true });
    }),
};

/** With the identity of the machine's clock, if it is that. A clock that a fault has made wrong is not. */
export function sharedClock(clock: Clock): SharedClock {
  return { id: clock === systemClock ? machineClockId() : "", nowNs: () => clock.monoNs() };
}

/** Processes of one boot of one Linux kernel, containers included, read one monotonic clock unless their time namespaces differ. Elsewhere nothing is known. */
function machineClockId(): string {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return `${boot} ${readlinkSync("/proc/self/ns/time")}`;
  } catch {
    return "";
  }
}

/** Waits for a promise, at most `timeoutMs`. Says whether it ended; rejects as it does. */
export async function within(clock: Clock, timeoutMs: number, promise: Promise<unknown>): Promise<boolean> {
  const ended = new AbortController();
  try {
    const late = clock.sleep(timeoutMs, ended.signal).then(() => false);
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    ended.abort();
  }
}

/** Numbers one life of a service. Lives of one service are more than a microsecond apart, so later means greater. */
export function newIncarnation(clock: Clock): number {
  return clock.wallUs();
}

/** An integer of 32 random bits. */
export function randomBits32(): number {
  const word = new Uint32Array(1);
  crypto.getRandomValues(word);
  return word[0] ?? 0;
}

/** As many random bytes, in hexadecimal, good for a secret. */
export function randomHex(bytes: number): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))).toString("hex");
}
