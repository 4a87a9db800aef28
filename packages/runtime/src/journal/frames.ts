import { crc32 } from "node:zlib";
import { JournalDamaged } from "./port.js";

/** Format and version; a file that begins otherwise is not ours. */
export const MAGIC = Buffer.from("vmcslabJ\x01\0\0\0", "latin1");

/** Length and CRC-32 of the record, little-endian, before it. */
const HEAD_BYTES = 8;
const RECORD_BYTES_MAX = 64 * 1024 * 1024;

export function frame(record: Uint8Array): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32LE(record.length, 0);
  head.writeUInt32LE(crc32(record), 4);
  return Buffer.concat([head, record]);
}

export interface Framed {
  readonly records: Uint8Array[];
  /** Where the last whole record ends. */
  readonly end: number;
}

/**
 * The records of a journal file. The last one may be cut off, because its writer was killed in the middle of the write; that is where they end. A record that is whole and wrong, or wrong before others,
 * is damage. Throws {@link JournalDamaged}.
 */
export function unframe(bytes: Buffer, file: string): Framed {
  if (bytes.length < MAGIC.length && MAGIC.subarray(0, bytes.length).equals(bytes)) return { records: [], end: 0 };
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC))
    throw new JournalDamaged(`${file} is not a journal of this version of vmcslab`);
  const records: Uint8Array[] = [];
  let end = MAGIC.length;
  while (bytes.length - end >= HEAD_BYTES) {
    const length = bytes.readUInt32LE(end);
    const from = end + HEAD_BYTES;
    if (length > RECORD_BYTES_MAX) throw new JournalDamaged(`${file}: byte ${end}: a record of ${length} bytes`);
    if (from + length > bytes.length) break;
    const record = bytes.subarray(from, from + length);
    if (crc32(record) !== bytes.readUInt32LE(end + 4))
      throw new JournalDamaged(`${file}: byte ${end}: the record's checksum is wrong`);
    records.push(record);
    end = from + length;
  }
  return { records, end };
}
