/** Brings what trace has stored of a run into the run's own folder. */
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { EVENTS_EXTENSION, encodeDelimited, type eventsWire, isSourceName } from "@vmcslab/runtime";
import { UnavailableError } from "../../errors.js";
import type { SourcePosition } from "../target.js";

export interface CopiedHistory {
  /** Events copied. */
  readonly stored: number;
  /** The lives that events were copied of, with the last number of each. */
  readonly lives: readonly SourcePosition[];
}

/** Where the run began and where it ends, by source. The host was there before, and goes on. */
export interface Bounds {
  readonly beginnings: readonly SourcePosition[];
  /** As sources said at the end of the run. Of one that did not, everything is taken. */
  readonly ends: readonly SourcePosition[];
}

/** Copies events between the beginnings and the ends. Lives that were over before the run began, and those that began after it, are left out. */
export async function copyHistory(
  batches: AsyncIterable<eventsWire.EventBatch>,
  { beginnings, ends }: Bounds,
  directory: string,
): Promise<CopiedHistory> {
  const files = new Map<string, FileHandle>();
  const lives = new Map<string, SourcePosition>();
  let stored = 0;
  try {
    for await (const batch of batches) {
      const rest = upToEnd(afterBeginning(batch, beginnings), ends);
      if (rest.events.length === 0) continue;
      const name = fileName(rest);
      const file = files.get(name) ?? (await open(join(directory, name), "a"));
      files.set(name, file);
      await file.appendFile(encodeDelimited(rest));
      stored += rest.events.length;
      lives.set(name, lifeOf(rest));
    }
  } finally {
    for (const file of files.values()) await file.close();
  }
  return { stored, lives: [...lives.values()] };
}

function afterBeginning(batch: eventsWire.EventBatch, beginnings: readonly SourcePosition[]): eventsWire.EventBatch {
  const incarnation = Number(batch.incarnation);
  const beginning = beginnings.find(({ source }) => source === batch.source);
  if (beginning === undefined || incarnation > beginning.incarnation) return batch;
  if (incarnation < beginning.incarnation) return { ...batch, events: [] };
  const first = Number(batch.firstSequence);
  const before = Math.min(batch.events.length, Math.max(0, beginning.published + 1 - first));
  return { ...batch, firstSequence: BigInt(first + before), events: batch.events.slice(before) };
}

function upToEnd(batch: eventsWire.EventBatch, ends: readonly SourcePosition[]): eventsWire.EventBatch {
  const end = ends.find(({ source }) => source === batch.source);
  const incarnation = Number(batch.incarnation);
  if (end === undefined || incarnation < end.incarnation) return batch;
  if (incarnation > end.incarnation) return { ...batch, events: [] };
  const count = Math.max(0, end.published - Number(batch.firstSequence) + 1);
  return { ...batch, events: batch.events.slice(0, count) };
}

function fileName({ host, source, incarnation }: eventsWire.EventBatch): string {
  if (!isSourceName(host) || !isSourceName(source)) throw new UnavailableError("trace names a source that cannot be");
  return `${host}.${source}.${incarnation}${EVENTS_EXTENSION}`;
}

function lifeOf({ host, source, incarnation, firstSequence, events }: eventsWire.EventBatch): SourcePosition {
  const published = Number(firstSequence) + events.length - 1;
  return { host, source, incarnation: Number(incarnation), published };
}
