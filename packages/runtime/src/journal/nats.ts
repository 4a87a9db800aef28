import { connectNats, type NatsBus } from "../bus/nats/connection.js";
import { type JournalStream, journalStreamName } from "../bus/nats/journal-stream.js";
import type { NatsLogin } from "../bus/nats/login.js";
import { type Clock, randomBits32 } from "../clock.js";
import { frame } from "./frames.js";
import { MESSAGE, MessageWriter, recordsOf } from "./nats-messages.js";
import { type Journal, JournalDamaged, JournalLost } from "./port.js";

/** While the server does not answer, it is asked again this often. */
const AGAIN_DELAY_MS = 100;
/** Another writer that appends meanwhile has the number that the fence was to have. */
const FENCE_ATTEMPTS = 100;
/** A server that is gone must not keep us. */
const CLOSE_BOUND_MS = 1000;

export interface NatsJournalOptions {
  readonly url: string;
  readonly login?: NatsLogin | undefined;
  /** Whose journal it is: part of the stream's name. */
  readonly host: string;
  readonly clock: Clock;
}

/**
 * A journal in a JetStream stream. Reading takes it over: whoever wrote it before is told {@link JournalLost} at its next record. While the server is away, records wait in memory and are stored in order when it
 * is back. Rejects when the server does not answer or has no JetStream.
 */
export async function openNatsJournal(options: NatsJournalOptions): Promise<Journal> {
  const { url, login, host, clock } = options;
  const bus = await connectNats(url, `${host}.l0.journal`, clock, login).catch(notThere);
  try {
    const stream = await bus.journalStream(host).catch(notThere);
    if (stream === undefined) throw new JournalLost("the NATS server has no JetStream, and a journal needs it");
    return new NatsJournal(stream, bus, options);
  } catch (error) {
    await bus.drain();
    throw error;
  }
}

function notThere(error: unknown): never {
  if (error instanceof JournalLost || error instanceof JournalDamaged) throw error;
  const reason = error instanceof Error ? error.message : String(error);
  throw new JournalLost(`the NATS server that keeps the journal does not answer: ${reason}`);
}

class NatsJournal implements Journal {
  readonly #stream: JournalStream;
  readonly #bus: NatsBus;
  readonly #options: NatsJournalOptions;
  readonly #writer = new MessageWriter([randomBits32(), randomBits32()]);
  readonly #closing = new AbortController();
  /** Appended, and will be stored together: what comes while a message is under way makes up the next one. */
  #batch: Buffer[] | undefined;
  #stored: Promise<void> = Promise.resolve();
  #lastSeq = 0;
  #pending = 0;
  #appendedBytes = 0;

  constructor(stream: JournalStream, bus: NatsBus, options: NatsJournalOptions) {
    this.#stream = stream;
    this.#bus = bus;
    this.#options = options;
  }

  get appendedBytes(): number {
    return this.#appendedBytes;
  }

  get pending(): number {
    return this.#pending;
  }

  async read(): Promise<Uint8Array[]> {
    await this.#fence().catch(notThere);
    return recordsOf(await this.#stream.messages(this.#lastSeq).catch(notThere), this.#name);
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
    this.#stored = this.#stored.then(() => this.#store(batch));
    // Whoever waits is told; nobody needs to.
    this.#stored.catch(() => undefined);
  }

  durable(): Promise<void> {
    return this.#stored;
  }

  async replace(records: readonly Uint8Array[]): Promise<void> {
    // What was appended before is in the records; what is appended from now on is not, and comes after them.
    this.#batch = undefined;
    this.#appendedBytes = 0;
    const replaced = this.#stored.then(() => this.#replace(records));
    this.#stored = replaced;
    await replaced;
  }

  /** What is not stored yet is stored when the server is there, and is given up otherwise. */
  async close(): Promise<void> {
    if (!this.#bus.connected) this.#closing.abort();
    const gone = this.#options.clock.after(CLOSE_BOUND_MS, () => this.#closing.abort());
    await this.#stored.catch(() => undefined);
    gone.cancel();
    this.#closing.abort();
    await this.#bus.drain();
  }

  get #name(): string {
    return `stream ${journalStreamName(this.#options.host)}`;
  }

  async #fence(): Promise<void> {
    const fence = this.#writer.message(MESSAGE.fence);
    for (let attempt = 0; attempt < FENCE_ATTEMPTS; attempt++) {
      this.#lastSeq = await this.#stream.lastSeq();
      if (await this.#stream.publish(fence, this.#lastSeq + 1)) {
        this.#lastSeq++;
        return;
      }
    }
    throw new JournalLost(`${this.#name}: another writer is faster each time`);
  }

  async #store(batch: readonly Buffer[]): Promise<void> {
    if (this.#batch === batch) this.#batch = undefined;
    await this.#publishAll(this.#writer.data(batch, this.#stream.payloadBytesMax));
    this.#pending -= batch.length;
  }

  async #replace(records: readonly Uint8Array[]): Promise<void> {
    const first = this.#lastSeq + 1;
    const data = this.#writer.data(records.map(frame), this.#stream.payloadBytesMax);
    await this.#publishAll([this.#writer.message(MESSAGE.begin), ...data, this.#writer.message(MESSAGE.commit)]);
    await this.#insist(() => this.#stream.purgeBefore(first));
  }

  async #publishAll(messages: readonly Buffer[]): Promise<void> {
    // One after the other: were more under way, one could be lost with a connection while those after it are refused.
    for (const message of messages) {
      await this.#insist(() => this.#publish(message));
      this.#lastSeq++;
    }
  }

  async #publish(message: Buffer): Promise<void> {
    const seq = this.#lastSeq + 1;
    if (await this.#stream.publish(message, seq)) return;
    // It was stored when it was published before and the answer was lost.
    const stored = await this.#stream.message(seq);
    if (stored !== undefined && message.equals(stored)) return;
    const last = await this.#stream.lastSeq();
    throw new JournalLost(
      last < this.#lastSeq
        ? `${this.#name} ends at message ${last}, and ${this.#lastSeq} were stored: the server has lost the end`
        : `${this.#name}: another writer has taken it over`,
    );
  }

  /** Again and again while the server is away. Rejects with {@link JournalLost}. */
  async #insist(attempt: () => Promise<void>): Promise<void> {
    while (!this.#closing.signal.aborted) {
      try {
        await attempt();
        return;
      } catch (error) {
        if (error instanceof JournalLost) throw error;
        await this.#checkStream();
        await this.#options.clock.sleep(AGAIN_DELAY_MS, this.#closing.signal);
      }
    }
    throw new JournalLost(`${this.#name} is closed`);
  }

  /** A server that answers and has no such stream will never take another record. */
  async #checkStream(): Promise<void> {
    if (!this.#bus.connected) return;
    await this.#stream.lastSeq().catch((error: unknown) => {
      if (error instanceof JournalLost) throw error;
    });
  }
}
