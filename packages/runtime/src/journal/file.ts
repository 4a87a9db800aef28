import { closeSync, fdatasync, fsyncSync, ftruncateSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { errorCode } from "./error-code.js";
import { takeLock } from "./file-lock.js";
import { frame, MAGIC, unframe } from "./frames.js";
import { type Journal, JournalLost } from "./port.js";

const sync = promisify(fdatasync);

export interface FileJournalOptions {
  readonly path: string;
  /** Records are durable when the disk has them, so that they survive a failure of the machine too. Otherwise when the kernel has them. */
  readonly sync: boolean;
}

/**
 * A journal in a local file: what was appended in one turn of the event loop is one write. A lock file beside it names the process that writes it. Rejects with {@link JournalLost} when
 * another one does.
 */
export async function openFileJournal({ path, sync: isSynced }: FileJournalOptions): Promise<Journal> {
  await mkdir(dirname(path), { recursive: true });
  const unlock = takeLock(`${path}.lock`);
  try {
    return new FileJournal(path, isSynced, unlock);
  } catch (thrown) {
    unlock();
    throw new JournalLost(`the journal ${path} cannot be opened: ${errorCode(thrown)}`);
  }
}

class FileJournal implements Journal {
  readonly #path: string;
  readonly #isSynced: boolean;
  readonly #unlock: () => void;
  #fd: number;
  /** Appended, and will be written together. */
  #batch: Buffer[] | undefined;
  #written: Promise<void> = Promise.resolve();
  #pending = 0;
  #appendedBytes = 0;

  /** Throws when the file cannot be opened. */
  constructor(path: string, isSynced: boolean, unlock: () => void) {
    this.#path = path;
    this.#isSynced = isSynced;
    this.#unlock = unlock;
    this.#fd = openSync(path, "a+", 0o600);
  }

  get appendedBytes(): number {
    return this.#appendedBytes;
  }

  get pending(): number {
    return this.#pending;
  }

  read(): Promise<Uint8Array[]> {
    const { records, end } = unframe(readFileSync(this.#path), this.#path);
    // What was cut off must not stand in the middle of what follows.
    ftruncateSync(this.#fd, end);
    if (end === 0) {
      writeAll(this.#fd, MAGIC);
      if (this.#isSynced) syncFolder(dirname(this.#path));
    }
    return Promise.resolve(records);
  }

  append(record: Uint8Array): void {
    const framed = frame(record);
    this.#appendedBytes += framed.length;
    this.#pending++;
    if (this.#batch !== undefined) {
      this.#batch.push(framed);
      return;
    }
    const batch = [framed];
    this.#batch = batch;
    this.#written = this.#written.then(() => this.#write(batch));
    // Whoever waits is told; nobody needs to.
    this.#written.catch(() => undefined);
  }

  durable(): Promise<void> {
    return this.#written;
  }

  async replace(records: readonly Uint8Array[]): Promise<void> {
    // What was appended before is in the records; what is appended from now on is not, and waits for the new file.
    this.#batch = undefined;
    this.#appendedBytes = 0;
    const replaced = this.#written.then(() => this.#replace(records));
    this.#written = replaced;
    await replaced;
  }

  async close(): Promise<void> {
    await this.#written.catch(() => undefined);
    closeSync(this.#fd);
    this.#unlock();
  }

  async #write(batch: readonly Buffer[]): Promise<void> {
    if (this.#batch === batch) this.#batch = undefined;
    try {
      writeAll(this.#fd, Buffer.concat(batch));
      if (this.#isSynced) await sync(this.#fd);
    } catch (thrown) {
      throw lost(thrown);
    }
    this.#pending -= batch.length;
  }

  #replace(records: readonly Uint8Array[]): void {
    try {
      this.#writeAnew(records);
    } catch (thrown) {
      throw lost(thrown);
    }
  }

  #writeAnew(records: readonly Uint8Array[]): void {
    const next = `${this.#path}.next`;
    const fd = openSync(next, "w", 0o600);
    writeAll(fd, Buffer.concat([MAGIC, ...records.map(frame)]));
    fsyncSync(fd);
    closeSync(fd);
    renameSync(next, this.#path);
    syncFolder(dirname(this.#path));
    closeSync(this.#fd);
    this.#fd = openSync(this.#path, "a+", 0o600);
  }
}

function writeAll(fd: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
}

/** What was made or renamed in it stays so when the machine fails. */
function syncFolder(path: string): void {
  const folder = openSync(path, "r");
  fsyncSync(folder);
  closeSync(folder);
}

function lost(thrown: unknown): JournalLost {
  return new JournalLost(`the journal cannot be written: ${errorCode(thrown)}`);
}
