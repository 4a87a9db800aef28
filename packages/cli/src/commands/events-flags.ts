/** What a service does about events while the bus is slow or away, and when it is killed. */
import { accessSync, constants, mkdirSync } from "node:fs";
import { systemErrorCode, UsageError } from "@vmcslab/lab/errors";
import type { BusOptions } from "@vmcslab/runtime";
import { flagOrEnv } from "./flag-or-env.js";
import { wholeNumber } from "./service-flags.js";

/** Two of the batches that services publish. */
const EVENTS_MIN = 1024;
/** Some 3 GB. */
const EVENTS_MAX = 10_000_000;

export interface EventsFlags {
  readonly spool?: string;
  readonly eventBuffer?: string;
}

/** The bus with --spool, whose folder is made, and --event-buffer. Throws UsageError for a spool without a bus that could ever confirm what is in it, or that cannot be written. */
export function eventsBus(flags: EventsFlags, bus: BusOptions): BusOptions {
  const spool = flagOrEnv(flags.spool, "EVENT_SPOOL");
  const buffer = flagOrEnv(flags.eventBuffer, "EVENT_BUFFER");
  if (spool !== undefined && bus.natsUrl === undefined && bus.traceAddress === undefined) {
    throw new UsageError("--spool keeps events until a bus has them: give --trace or --nats as well");
  }
  if (spool !== undefined) makeFolder(spool);
  return {
    ...bus,
    ...(spool === undefined ? {} : { spool }),
    ...(buffer === undefined ? {} : { bufferedEvents: bufferedEvents(buffer) }),
  };
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    accessSync(folder, constants.W_OK);
  } catch (thrown) {
    throw new UsageError(`--spool: ${folder} cannot be written (${systemErrorCode(thrown) ?? "unknown error"})`);
  }
}

function bufferedEvents(text: string): number {
  const events = wholeNumber(text, "--event-buffer");
  if (events >= EVENTS_MIN && events <= EVENTS_MAX) return events;
  throw new UsageError(`--event-buffer: ${events} events; it holds ${EVENTS_MIN} to ${EVENTS_MAX}`);
}
