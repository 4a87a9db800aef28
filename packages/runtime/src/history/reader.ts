import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { HistoryEvent } from "@vmcslab/history";
import { eventBatchFromWire } from "../codec/event.js";
import { readBatches } from "./delimited.js";

/** Files of events: one per life of a source, <host>.<source>.<incarnation>.events. */
export const EVENTS_EXTENSION = ".events";

/** The event files of a directory that trace wrote, as paths, in order of their names. */
export async function historyFiles(directory: string): Promise<string[]> {
  const names = await readdir(directory);
  return names
    .filter((name) => name.endsWith(EVENTS_EXTENSION))
    .sort()
    .map((name) => join(directory, name));
}

/**
 * The events of one file, in sequence, in constant memory. Throws TruncatedHistory at the end of a file that was cut off and
 * InvalidMessage for an event of another version.
 */
export async function* readHistory(path: string): AsyncGenerator<HistoryEvent> {
  for await (const batch of readBatches(path)) yield* eventBatchFromWire(batch).events;
}
