import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { HistoryEvent } from "@vmcslab/history";
import { EVENTS_EXTENSION, encodeDelimited, eventBatchToWire } from "@vmcslab/runtime";

/** Events of one source that are written together. */
const BATCH_EVENTS = 512;

interface Life {
  readonly file: number;
  readonly events: HistoryEvent[];
}

/**
 * Writes a simulated host's events as trace writes those of services: a file for each life of a source. Synchronously, so that memory stays bounded however fast virtual
 * time passes, and the host never waits for the disk.
 */
export class HistoryWriter {
  readonly #directory: string;
  readonly #lives = new Map<string, Life>();
  /** The latest life of each source. */
  readonly #latest = new Map<string, { readonly incarnation: number; readonly life: Life }>();
  /** Events handed over so far. */
  stored = 0;

  constructor(directory: string) {
    this.#directory = directory;
  }

  readonly write = (event: HistoryEvent): void => {
    const life = this.#lifeOf(event);
    const previous = life.events.at(-1);
    // A batch has no gaps: a stopped bus may have lost events.
    if (life.events.length === BATCH_EVENTS || (previous !== undefined && event.seq !== previous.seq + 1)) flush(life);
    life.events.push(event);
    this.stored++;
  };

  /** Everything is in the files. Can be called again. */
  close(): void {
    for (const life of this.#lives.values()) {
      flush(life);
      closeSync(life.file);
    }
    this.#lives.clear();
    this.#latest.clear();
  }

  #lifeOf({ host, source, incarnation }: HistoryEvent): Life {
    const latest = this.#latest.get(source);
    if (latest?.incarnation === incarnation) return latest.life;
    const life = this.#open(host, source, incarnation);
    this.#latest.set(source, { incarnation, life });
    return life;
  }

  #open(host: string, source: string, incarnation: number): Life {
    const name = `${host}.${source}.${incarnation}${EVENTS_EXTENSION}`;
    const known = this.#lives.get(name);
    if (known !== undefined) return known;
    const life: Life = { file: openSync(join(this.#directory, name), "a"), events: [] };
    this.#lives.set(name, life);
    return life;
  }
}

function flush({ file, events }: Life): void {
  const [first] = events;
  if (first === undefined) return;
  const { host, source, incarnation, seq: firstSeq } = first;
  // A clock that a fault set back may show a time before 1970, which an event cannot.
  const shown = events.map((event) => (event.wallUs < 0 ? { ...event, wallUs: 0 } : event));
  const bytes = encodeDelimited(eventBatchToWire({ host, source, incarnation, firstSeq, events: shown }));
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
  events.length = 0;
}
