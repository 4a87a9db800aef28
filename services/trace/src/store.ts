import { type FileHandle, mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import { EVENTS_EXTENSION, encodeDelimited, type eventsWire } from "@vmcslab/runtime";

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
