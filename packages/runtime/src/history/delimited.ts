import { createReadStream } from "node:fs";
import { EventBatch } from "../generated/vmcslab/v1/events.js";

/** A file ends inside a message, as after a crash of its writer. What came before was given. */
export class TruncatedHistory extends Error {
  override readonly name = "TruncatedHistory";
  constructor(
    message: string,
    /** Up to here the file is whole. */
    readonly wholeBytes: number,
  ) {
    super(message);
  }
}

/** What stands in a file is no row of batches: it was not written by trace, or something wrote over it. */
export class DamagedHistory extends Error {
  override readonly name = "DamagedHistory";
}

/** No batch is larger: what a service receives at once is smaller. */
const BATCH_BYTES_MAX = 16 * 1024 * 1024;
/** Of a length: 35 bits. */
const LENGTH_BYTES_MAX = 5;

/** A message as files hold it: its length as a varint, then its bytes. */
export function encodeDelimited(batch: EventBatch): Uint8Array {
  const body = EventBatch.encode(batch).finish();
  const length: number[] = [];
  for (let rest = body.length; ; rest >>>= 7) {
    if (rest < 0x80) {
      length.push(rest);
      break;
    }
    length.push((rest & 0x7f) | 0x80);
  }
  const framed = new Uint8Array(length.length + body.length);
  framed.set(length);
  framed.set(body, length.length);
  return framed;
}

/** The batches of a file, in constant memory. Throws {@link TruncatedHistory} at the end of one that was cut off, and {@link DamagedHistory}. */
export async function* readBatches(path: string): AsyncGenerator<EventBatch> {
  let rest: Buffer = Buffer.alloc(0);
  let wholeBytes = 0;
  const chunks: AsyncIterable<Buffer> = createReadStream(path);
  for await (const chunk of chunks) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const frame = (): Frame | undefined => bodyOf(rest, `${path}: byte ${wholeBytes}`);
    let next = frame();
    while (next !== undefined) {
      yield decoded(next.body, `${path}: byte ${wholeBytes}`);
      rest = rest.subarray(next.end);
      wholeBytes += next.end;
      next = frame();
    }
  }
  if (rest.length === 0) return;
  throw new TruncatedHistory(`${path} ends inside a batch, ${rest.length} bytes of it are there`, wholeBytes);
}

function decoded(body: Buffer, where: string): EventBatch {
  try {
    return EventBatch.decode(body);
  } catch (thrown) {
    throw new DamagedHistory(
      `${where}: no batch of events: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
    );
  }
}

interface Frame {
  readonly body: Buffer;
  readonly end: number;
}

/** The first message in `bytes` if all of it is there. Throws {@link DamagedHistory} when no message can be so long. */
function bodyOf(bytes: Buffer, where: string): Frame | undefined {
  let length = 0;
  for (let index = 0, shift = 0; index < bytes.length; index++, shift += 7) {
    const byte = bytes[index] ?? 0;
    length += (byte & 0x7f) * 2 ** shift;
    if (length > BATCH_BYTES_MAX || index >= LENGTH_BYTES_MAX)
      throw new DamagedHistory(`${where}: a batch of ${length} bytes, and none has more than ${BATCH_BYTES_MAX}`);
    if (byte >= 0x80) continue;
    const end = index + 1 + length;
    return end <= bytes.length ? { body: bytes.subarray(index + 1, end), end } : undefined;
  }
  return undefined;
}
