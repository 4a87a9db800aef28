/** What the messages of a journal in JetStream say: a head, then bytes of framed records, which may go on in the next message. */
import { MAGIC, unframe } from "./frames.js";
import { JournalDamaged } from "./port.js";

/** Format and version, kind, who wrote it and its number among that writer's messages: no two messages are equal. */
export const HEAD_BYTES = 20;
const VERSION = 1;

export const MESSAGE = {
  /** Bytes of the records. */
  data: 1,
  /** Another writer has begun: what the one before it left unfinished will never be finished. */
  fence: 2,
  /** The next bytes are of records that replace all before, once they are complete. */
  begin: 3,
  /** They are. */
  commit: 4,
} as const;

export type MessageKind = (typeof MESSAGE)[keyof typeof MESSAGE];

/** Makes the messages of one writer. */
export class MessageWriter {
  readonly #writer: readonly [number, number];
  #number = 0n;

  /** 64 random bits. */
  constructor(writer: readonly [number, number]) {
    this.#writer = writer;
  }

  message(kind: MessageKind, bytes: Uint8Array = new Uint8Array()): Buffer {
    const head = Buffer.alloc(HEAD_BYTES);
    head.writeUInt16LE(VERSION, 0);
    head.writeUInt16LE(kind, 2);
    head.writeUInt32LE(this.#writer[0], 4);
    head.writeUInt32LE(this.#writer[1], 8);
    head.writeBigUInt64LE(this.#number++, 12);
    return Buffer.concat([head, bytes]);
  }

  /** As few messages as these framed records fit into, each of at most `bytesMax`. */
  data(frames: readonly Buffer[], bytesMax: number): Buffer[] {
    const bytes = Buffer.concat(frames);
    const room = bytesMax - HEAD_BYTES;
    const messages: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += room)
      messages.push(this.message(MESSAGE.data, bytes.subarray(at, at + room)));
    return messages;
  }
}

/** The records that messages hold: the last complete replacement and what follows it. Throws {@link JournalDamaged}. */
export function recordsOf(messages: readonly Uint8Array[], name: string): Uint8Array[] {
  let records: Uint8Array[] = [];
  let bytes: Buffer[] = [];
  let replacing = false;
  // A record that one writer left unfinished does not go on in what the next one writes.
  const finish = (): void => {
    if (!replacing) records.push(...unframe(Buffer.concat([MAGIC, ...bytes]), name).records);
    bytes = [];
  };
  for (const data of messages) {
    const message = Buffer.from(data.buffer, data.byteOffset, data.length);
    switch (kindOf(message, name)) {
      case MESSAGE.data:
        bytes.push(message.subarray(HEAD_BYTES));
        break;
      case MESSAGE.fence:
        finish();
        replacing = false;
        break;
      case MESSAGE.begin:
        finish();
        replacing = true;
        break;
      case MESSAGE.commit:
        // A commit whose beginning is missing would make a part of the records pass for all.
        if (!replacing) throw new JournalDamaged(`${name}: records were replaced, and their beginning is missing`);
        records = [];
        replacing = false;
        finish();
        break;
      default:
        throw new JournalDamaged(`${name}: a message of a kind that this version of vmcslab does not know`);
    }
  }
  finish();
  return records;
}

function kindOf(message: Buffer, name: string): number {
  if (message.length < HEAD_BYTES || message.readUInt16LE(0) !== VERSION)
    throw new JournalDamaged(`${name}: a message that is not a journal's of this version of vmcslab`);
  return message.readUInt16LE(2);
}
