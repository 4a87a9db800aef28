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

/** Copies events after the beginnings. Lives that were over before the run began are left out. */
export async function copyHistory(
  batches: AsyncIterable<eventsWire.EventBatch>,
  beginnings: readonly SourcePosition[],
  directory: string,
): Promise<CopiedHistory> {
  const files = new Map<string, FileHandle>();
  const lives = new Map<string, SourcePosition>();
  let stored = 0;
  try {
    for await (const batch of batches) {
      const rest = afterBeginning(batch, beginnings);
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

function fileName({ host, source, incarnation }: eventsWire.EventBatch): string {
  if (!isSourceName(host) || !isSourceName(source)) throw new UnavailableError("trace names a source that cannot be");
  return `${host}.${source}.${incarnation}${EVENTS_EXTENSION}`;
}

function lifeOf({ host, source, incarnation, firstSequence, events }: eventsWire.EventBatch): SourcePosition {
  const published = Number(firstSequence) + events.length - 1;
  return { host, source, incarnation: Number(incarnation), published };
}
