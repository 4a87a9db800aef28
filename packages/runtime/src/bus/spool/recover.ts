import { renameSync, unlinkSync } from "node:fs";
import type { HistoryEvent } from "@vmcslab/history";
import { eventBatchFromWire } from "../../codec/event.js";
import { readBatches, TruncatedHistory } from "../../history/delimited.js";
import { takeLock } from "../../journal/file-lock.js";
import { JournalLost } from "../../journal/port.js";
import type { Logger } from "../../logger.js";
import type { EventBatch } from "../port.js";
import { lockPath, type SpooledLife, spooledLives } from "./files.js";
import { OVERFLOW_MARK } from "./segment.js";

const BATCH_EVENTS_MAX = 512;

export interface RecoverOptions {
  readonly directory: string;
  readonly host: string;
  readonly source: string;
  /** Lives of this process, which are not over. */
  readonly isOwn: (incarnation: number) => boolean;
  /** Ends when the bus has the batch. Rejects when there is no use in waiting for that. */
  readonly publish: (batch: EventBatch) => Promise<void>;
  readonly logger: Pick<Logger, "info" | "warn">;
}

/**
 * Publishes what earlier lives of a source left in their spools, states where each ended, and removes the files then. What had reached the bus before comes again; trace
 * drops it. Says how many lives are left alone because another process still lives them.
 */
export async function recoverLives(options: RecoverOptions): Promise<{ readonly stillLived: number }> {
  const { directory, host, source, isOwn } = options;
  let stillLived = 0;
  for (const life of spooledLives(directory, host, source)) {
    if (isOwn(life.incarnation)) continue;
    const unlock = lockOf(options, life.incarnation);
    if (unlock === undefined) {
      stillLived++;
      continue;
    }
    try {
      await recoverLife(life, options);
    } finally {
      unlock();
    }
  }
  return { stillLived };
}

/** Undefined: the process that writes it is there. */
function lockOf({ directory, host, source }: RecoverOptions, incarnation: number): (() => void) | undefined {
  try {
    return takeLock(lockPath(directory, host, source, incarnation));
  } catch (thrown) {
    if (thrown instanceof JournalLost) return undefined;
    throw thrown;
  }
}

async function recoverLife(life: SpooledLife, { host, source, publish, logger }: RecoverOptions): Promise<void> {
  const { incarnation, segments } = life;
  const position = { host, source, incarnation };
  let pending: HistoryEvent[] = [];
  let lastSeq = 0;
  let events = 0;
  let isOverflowed = false;
  const publishPending = async (): Promise<void> => {
    const [first] = pending;
    if (first === undefined) return;
    await publish({ ...position, firstSeq: first.seq, events: pending });
    events += pending.length;
    pending = [];
  };
  for (const path of segments) {
    try {
      for await (const batch of spooledBatches(path)) {
        isOverflowed = batch === "overflow";
        if (batch === "overflow") continue;
        const isNext = batch.firstSeq === lastSeq + 1;
        if (!isNext || pending.length + batch.events.length > BATCH_EVENTS_MAX) await publishPending();
        pending.push(...batch.events);
        lastSeq = batch.firstSeq + batch.events.length - 1;
      }
    } catch (thrown) {
      if (!(thrown instanceof DamagedSpool)) throw thrown;
      await publishPending();
      logger.warn({ err: thrown, path, incarnation }, "the spool of an earlier life is damaged; its end stays unknown");
      for (const segment of segments) renameSync(segment, `${segment}.damaged`);
      return;
    }
  }
  await publishPending();
  if (!isOverflowed) await publish({ ...position, firstSeq: lastSeq + 1, events: [], ends: true });
  for (const path of segments) unlinkSync(path);
  logger.info({ incarnation, events, endsAt: lastSeq }, "published what an earlier life had left in its spool");
}

class DamagedSpool extends Error {
  override readonly name = "DamagedSpool";
}

/** The records of a segment. One that was cut off at the end, as by a death in the middle of a write, ends before it: nothing that the event led to had left. */
async function* spooledBatches(path: string): AsyncGenerator<EventBatch | "overflow"> {
  const batches = readBatches(path);
  for (;;) {
    let batch: EventBatch | "overflow";
    try {
      const next = await batches.next();
      if (next.done === true) return;
      batch = next.value.firstSequence === BigInt(OVERFLOW_MARK) ? "overflow" : eventBatchFromWire(next.value);
    } catch (thrown) {
      if (thrown instanceof TruncatedHistory) return;
      throw new DamagedSpool(thrown instanceof Error ? thrown.message : String(thrown));
    }
    yield batch;
  }
}
