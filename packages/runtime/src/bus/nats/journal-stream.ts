/** A JetStream stream that holds one journal, message by message. */
import type { JetStreamClient, JetStreamManager, NatsConnection } from "nats";
import { JournalLost } from "../../journal/port.js";

/** An answer that does not come holds up all that follow. */
const PUBLISH_TIMEOUT_MS = 2000;
const READ_EXPIRES_MS = 5000;
/** What NATS needs of a message for itself: its subject and headers. */
const OVERHEAD_BYTES = 4096;
const DEFAULT_PAYLOAD_BYTES = 1024 * 1024;
/** `nats-server`: JSApiError 10071, JSStreamWrongLastSequenceErr */
const WRONG_LAST_SEQUENCE = 10071;
/** JSNoMessageFoundErr */
const NO_MESSAGE_FOUND = 10037;
/** JSStreamNotFoundErr */
const STREAM_NOT_FOUND = 10059;

/** `nats stream info vmcslab_journal_HOST` */
export function journalStreamName(host: string): string {
  return `vmcslab_journal_${host}`;
}

/** No subject of events: those begin with `vmcslab.`, and this with another token. */
export function journalSubject(host: string): string {
  return `vmcslab-journal.${host}.records`;
}

export class JournalStream {
  readonly #connection: NatsConnection;
  readonly #client: JetStreamClient;
  readonly #manager: JetStreamManager;
  readonly #name: string;
  readonly #subject: string;

  private constructor(connection: NatsConnection, manager: JetStreamManager, host: string) {
    this.#connection = connection;
    this.#client = connection.jetstream();
    this.#manager = manager;
    this.#name = journalStreamName(host);
    this.#subject = journalSubject(host);
  }

  /** Makes the stream unless it is there. */
  static async open(connection: NatsConnection, host: string): Promise<JournalStream> {
    const stream = new JournalStream(connection, await connection.jetstreamManager(), host);
    await stream.#ensure();
    return stream;
  }

  get payloadBytesMax(): number {
    return (this.#connection.info?.max_payload ?? DEFAULT_PAYLOAD_BYTES) - OVERHEAD_BYTES;
  }

  /** Number of the last message; 0: there was none ever. Rejects with {@link JournalLost} when the server has no such stream any more. */
  async lastSeq(): Promise<number> {
    try {
      return (await this.#manager.streams.info(this.#name)).state.last_seq;
    } catch (error) {
      if (codeOf(error) === STREAM_NOT_FOUND) throw new JournalLost(`the server has lost the stream ${this.#name}`);
      throw error;
    }
  }

  /**
   * Stores a message as number `seq`: false when another one has that number, or the one before is missing. Rejects when the server does not answer; then it may have been stored or
   * not.
   */
  async publish(payload: Uint8Array, seq: number): Promise<boolean> {
    try {
      const expect = { lastSequence: seq - 1 };
      const { seq: stored } = await this.#client.publish(this.#subject, payload, {
        expect,
        timeout: PUBLISH_TIMEOUT_MS,
      });
      return stored === seq;
    } catch (error) {
      if (codeOf(error) === WRONG_LAST_SEQUENCE) return false;
      throw error;
    }
  }

  /** Undefined: there is no such message. */
  async message(seq: number): Promise<Uint8Array | undefined> {
    try {
      return (await this.#manager.streams.getMessage(this.#name, { seq })).data;
    } catch (error) {
      if (codeOf(error) === NO_MESSAGE_FOUND) return undefined;
      throw error;
    }
  }

  /** All messages up to number `last`, which is stored, oldest first. */
  async messages(last: number): Promise<Uint8Array[]> {
    const messages: Uint8Array[] = [];
    const consumer = await this.#client.consumers.get(this.#name);
    const reading = await consumer.consume({ expires: READ_EXPIRES_MS });
    for await (const message of reading) {
      messages.push(message.data);
      if (message.seq >= last) break;
    }
    await reading.close();
    await consumer.delete();
    return messages;
  }

  /** Gives up what is before message `seq`. */
  async purgeBefore(seq: number): Promise<void> {
    await this.#manager.streams.purge(this.#name, { seq });
  }

  async #ensure(): Promise<void> {
    const { DiscardPolicy, RetentionPolicy, StorageType } = await import("nats");
    try {
      await this.#manager.streams.info(this.#name);
    } catch (error) {
      if (codeOf(error) !== STREAM_NOT_FOUND) throw error;
      await this.#manager.streams.add({
        name: this.#name,
        subjects: [this.#subject],
        storage: StorageType.File,
        retention: RetentionPolicy.Limits,
        // A journal that is full must refuse: its oldest records are as true as its newest.
        discard: DiscardPolicy.New,
      });
    }
  }
}

/** Of an error that JetStream answered with. */
function codeOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("api_error" in error)) return undefined;
  const { api_error: told } = error;
  if (typeof told !== "object" || told === null || !("err_code" in told)) return undefined;
  return typeof told.err_code === "number" ? told.err_code : undefined;
}
