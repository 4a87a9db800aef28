import { crc32 } from "node:zlib";
import { JournalDamaged } from "./port.js";

/** Format and version; a file that begins otherwise is not ours. */
export const MAGIC = Buffer.from("vmcslabJ\x02\0\0\0", "latin1");

/** Length, and CRC-32 of that length and the record, little-endian, before it. Zeros are none: their checksum is wrong. */
const HEAD_BYTES = 8;
const RECORD_BYTES_MAX = 64 * 1024 * 1024;

/** Throws RangeError for a record that {@link unframe} would take for damage. */
export function frame(record: Uint8Array): Buffer {
  if (record.length > RECORD_BYTES_MAX) throw new RangeError(`a record of ${record.length} bytes`);
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32LE(record.length, 0);
  head.writeUInt32LE(checksum(head.subarray(0, 4), record), 4);
  return Buffer.concat([head, record]);
}

export interface Framed {
  readonly records: Uint8Array[];
  /** Where the last whole record ends. */
  readonly end: number;
}

/**
 * The records of a journal file. The last one may be cut off, because its writer was killed in the middle of the write; that is where they end. A record that is whole and wrong, or wrong before others,
 * is damage. An end of zeros only is cut off too: a machine that failed may have kept the file's length and not what was in it. Throws {@link JournalDamaged}.
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
    if (checksum(bytes.subarray(end, end + 4), record) !== bytes.readUInt32LE(end + 4)) {
      if (isZero(bytes.subarray(end))) break;
      throw new JournalDamaged(`${file}: byte ${end}: the record's checksum is wrong`);
    }
    records.push(record);
    end = from + length;
  }
  return { records, end };
}

function checksum(length: Uint8Array, record: Uint8Array): number {
  return crc32(record, crc32(length));
}

function isZero(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0);
}
