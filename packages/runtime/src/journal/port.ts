/** Where L0's records outlive it: opaque bytes, in order. */
export interface Journal {
  /** Everything stored and not superseded, oldest first. Call it once, before anything is appended. An end that was cut off in the middle is left out; other damage throws {@link JournalDamaged}. */
  read(): Promise<Uint8Array[]>;
  /** Stores a record after all before it. Throws RangeError for one above 64 MiB and nothing else: what becomes of it, {@link durable} tells. */
  append(record: Uint8Array): void;
  /** Ends when everything appended so far survives the death of this process. Rejects with {@link JournalLost} when that can never be. */
  durable(): Promise<void>;
  /** These records say the same as all that were stored: they replace them, at once or not at all. What is appended from now on comes after them. */
  replace(records: readonly Uint8Array[]): Promise<void>;
  /** Bytes appended since the last {@link replace}. */
  readonly appendedBytes: number;
  /** Records appended that are not durable yet. */
  readonly pending: number;
  close(): Promise<void>;
}

/** What is stored cannot be what was appended. */
export class JournalDamaged extends Error {
  override readonly name = "JournalDamaged";
}

/** Somebody else writes this journal now, or it cannot be written any more: this L0 must end. */
export class JournalLost extends Error {
  override readonly name = "JournalLost";
}
