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

/** Event files: length-delimited EventBatches, one file per life of a source. Holds no events, only open files. */
export class EventStore {
  readonly #directory: string;
  readonly #files = new Map<string, Promise<FileHandle>>();

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
    const file = await this.#fileOf(batch);
    await file.appendFile(encodeDelimited(batch));
  }

  /** Ends when everything appended is on disk. */
  async flush(): Promise<void> {
    for (const file of this.#files.values()) await (await file).datasync();
  }

  async close(): Promise<void> {
    for (const file of this.#files.values()) await (await file).close();
    this.#files.clear();
  }

  #fileOf({ host, source, incarnation }: eventsWire.EventBatch): Promise<FileHandle> {
    const name = `${host}.${source}.${incarnation}${EVENTS_EXTENSION}`;
    const known = this.#files.get(name);
    if (known !== undefined) return known;
    const file = open(join(this.#directory, name), "a");
    this.#files.set(name, file);
    return file;
  }
}
