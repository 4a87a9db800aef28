/** The stream that keeps events at the NATS server, so that whoever reads them may be away. */
import type { ConsumerConfig, JetStreamClient, JetStreamManager, NatsConnection, StreamConfig } from "nats";
import { everySubject } from "./subject.js";

/** `nats stream info VMCSLAB` */
export const STREAM = "VMCSLAB";
const STREAM_BYTES_MAX = 1024 ** 3;
const NANOSECONDS_PER_MS = 1e6;
const STREAM_AGE_MS_MAX = 24 * 3600 * 1000;
/** A batch that is published again within this time is stored once. Later, trace recognises it by its sequence. */
const DUPLICATE_WINDOW_MS = 120_000;
/** A source sends its batches one after the other: an answer that does not come holds up all that follow. */
const PUBLISH_TIMEOUT_MS = 2000;
const PULL_EXPIRES_MS = 5000;
const PULL_MESSAGES = 128;
/** A reader without a name that does not ask for this long is forgotten by the server. */
const NAMELESS_IDLE_MS = 60_000;

export interface StreamPosition {
  /** When the stream was made: another one, other numbers. */
  readonly created: string;
  readonly first: number;
  readonly last: number;
}

export interface StreamMessage {
  /** Its number in the stream. */
  readonly seq: number;
  readonly payload: Uint8Array;
  /** It need not be delivered again. */
  readonly acknowledge: () => void;
}

export interface StreamMessages extends AsyncIterable<StreamMessage> {
  close(): Promise<void>;
}

/** Makes the stream unless it is there; one that is there keeps the limits it has. */
export async function openEventStream(connection: NatsConnection): Promise<EventStream> {
  const stream = new EventStream(connection.jetstream(), await connection.jetstreamManager());
  await stream.ensure();
  return stream;
}

export class EventStream {
  readonly #client: JetStreamClient;
  readonly #manager: JetStreamManager;

  constructor(client: JetStreamClient, manager: JetStreamManager) {
    this.#client = client;
    this.#manager = manager;
  }

  async ensure(): Promise<void> {
    const { streams } = this.#manager;
    try {
      await streams.info(STREAM);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      await streams.add(await streamConfig());
    }
  }

  /** Ends when the server has stored the message; one with the same id is stored once. Rejects when it does not answer. */
  async publish(subject: string, payload: Uint8Array, id: string): Promise<void> {
    await this.#client.publish(subject, payload, { msgID: id, timeout: PUBLISH_TIMEOUT_MS });
  }

  async position(): Promise<StreamPosition> {
    const { created, state } = await this.#manager.streams.info(STREAM);
    return { created, first: state.first_seq, last: state.last_seq };
  }

  /** The number after the last message that this consumer's reader has acknowledged without a gap. Undefined: no such consumer. */
  async nextOf(consumer: string): Promise<number | undefined> {
    try {
      return (await this.#manager.consumers.info(STREAM, consumer)).ack_floor.stream_seq + 1;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** Messages from number `from` on. A consumer of that name is made anew, so that what it had in flight comes again at once, and in order. */
  async read(consumer: string | undefined, from: number): Promise<StreamMessages> {
    const { consumers } = this.#manager;
    if (consumer !== undefined && (await this.nextOf(consumer)) !== undefined) await consumers.delete(STREAM, consumer);
    const { name } = await consumers.add(STREAM, await consumerConfig(consumer, from));
    const reader = await this.#client.consumers.get(STREAM, name);
    const messages = await reader.consume({
      max_messages: PULL_MESSAGES,
      expires: PULL_EXPIRES_MS,
      abort_on_missing_resource: true,
    });
    return {
      async *[Symbol.asyncIterator]() {
        for await (const message of messages)
          yield { seq: message.seq, payload: message.data, acknowledge: () => message.ack() };
      },
      close: async () => {
        await messages.close();
      },
    };
  }
}

async function streamConfig(): Promise<Partial<StreamConfig> & { name: string }> {
  const { DiscardPolicy, RetentionPolicy, StorageType } = await import("nats");
  return {
    name: STREAM,
    subjects: [everySubject()],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.Old,
    max_bytes: STREAM_BYTES_MAX,
    max_age: STREAM_AGE_MS_MAX * NANOSECONDS_PER_MS,
    duplicate_window: DUPLICATE_WINDOW_MS * NANOSECONDS_PER_MS,
  };
}

async function consumerConfig(name: string | undefined, from: number): Promise<Partial<ConsumerConfig>> {
  const { AckPolicy, DeliverPolicy } = await import("nats");
  return {
    ...(name === undefined ? { inactive_threshold: NAMELESS_IDLE_MS * NANOSECONDS_PER_MS } : { durable_name: name }),
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: from,
  };
}

function isNotFound(error: unknown): boolean {
  return error instanceof Error && /(?:stream|consumer) not found/.test(error.message);
}
