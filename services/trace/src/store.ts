import { type FileHandle, mkdir, open, truncate } from "node:fs/promises";
import { basename, join } from "node:path";
import {
  EVENTS_EXTENSION,
  encodeDelimited,
  type eventsWire,
  historyFiles,
  readBatches,
  TruncatedHistory,
} from "@vmcslab/runtime";

/** Files kept open. A host has fewer sources; those of lives that are over need not be open. */
const OPEN_FILES_MAX = 256;

interface OpenFile {
  readonly handle: Promise<FileHandle>;
  /** Appends that are under way: it stays open. */
  users: number;
}

/** Event files: length-delimited EventBatches, one file per life of a source. Holds no events, only open files, and not too many. */
export class EventStore {
  readonly #directory: string;
  /** The one that was used last stands last. */
  readonly #files = new Map<string, OpenFile>();
  /** What is being closed. */
  readonly #closing = new Set<Promise<void>>();

  /** `directory` exists. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  static async open(directory: string): Promise<EventStore> {
    await mkdir(directory, { recursive: true });
    return new EventStore(directory);
  }

  /** What is stored already. A file whose end was cut off by a crash loses the batch that is not whole, so that it can be appended to. */
  async *restored(): AsyncGenerator<eventsWire.EventBatch> {
    for (const path of await historyFiles(this.#directory)) {
      try {
        yield* readBatches(path);
      } catch (error) {
        if (!(error instanceof TruncatedHistory)) throw error;
        await truncate(path, error.wholeBytes);
      }
    }
  }

  /** The batches of one host, as far as they are stored now. */
  async *stored(host: string): AsyncGenerator<eventsWire.EventBatch> {
    for (const path of await historyFiles(this.#directory)) {
      if (!basename(path).startsWith(`${host}.`)) continue;
      try {
        yield* readBatches(path);
      } catch (error) {
        // Its last batch is being written.
        if (!(error instanceof TruncatedHistory)) throw error;
      }
    }
  }

  /** Ends when the batch was handed to the operating system. Batches of one source must not overlap. */
  async append(batch: eventsWire.EventBatch): Promise<void> {
    const file = this.#fileOf(batch);
    file.users++;
    try {
      await (await file.handle).appendFile(encodeDelimited(batch));
    } finally {
      file.users--;
    }
  }

  /** Ends when everything appended is on disk. */
  async flush(): Promise<void> {
    await Promise.all(this.#closing);
    for (const { handle } of [...this.#files.values()]) await (await handle).datasync();
  }

  async close(): Promise<void> {
    await Promise.all(this.#closing);
    for (const { handle } of this.#files.values()) await (await handle).close();
    this.#files.clear();
  }

  #fileOf({ host, source, incarnation }: eventsWire.EventBatch): OpenFile {
    const name = `${host}.${source}.${incarnation}${EVENTS_EXTENSION}`;
    const file = this.#files.get(name) ?? { handle: this.#open(name), users: 0 };
    this.#files.delete(name);
    this.#files.set(name, file);
    return file;
  }

  #open(name: string): Promise<FileHandle> {
    for (const [unused, file] of this.#files) {
      if (this.#files.size < OPEN_FILES_MAX) break;
      if (file.users > 0) continue;
      this.#files.delete(unused);
      this.#close(file);
    }
    return open(join(this.#directory, name), "a");
  }

  /** What was appended to it is on disk then. */
  #close({ handle }: OpenFile): void {
    const closed = handle.then(async (file) => {
      await file.datasync();
      await file.close();
    });
    this.#closing.add(closed);
    void closed.then(() => this.#closing.delete(closed));
  }
}
