import type { Clock } from "../../clock.js";
import type { EventStream } from "./jetstream.js";

const AGAIN_DELAY_MS = 250;

export interface StreamReaderOptions {
  readonly stream: EventStream;
  readonly clock: Clock;
  /** The server keeps the place of a reader with a name. */
  readonly name: string | undefined;
  /** Where it begins when the server keeps no place for it. */
  readonly begin: "first" | "next";
  /** Ends when the message is taken. When it rejects, the same message comes again. */
  readonly receive: (payload: Uint8Array) => Promise<void>;
  readonly onTrouble: (error: unknown) => void;
}

/**
 * Reads the stream in order, each message until it is taken. Whatever happens to the connection, the server or the consumer, it begins anew at
 * the first message that it has not taken: JetStream alone would deliver later ones first, which would look like a loss.
 */
export class StreamReader {
  readonly #options: StreamReaderOptions;
  readonly #stop = new AbortController();
  #ended: Promise<void> = Promise.resolve();
  #close: (() => Promise<void>) | undefined;
  #reading = false;
  /** The stream that `#next` counts in. */
  #created: string | undefined;
  #next = 0;

  private constructor(options: StreamReaderOptions) {
    this.#options = options;
  }

  /** Rejects when it cannot begin. From then on it goes on by itself. */
  static async start(options: StreamReaderOptions): Promise<StreamReader> {
    const reader = new StreamReader(options);
    const begun = await reader.#begin();
    reader.#ended = reader.#run(begun);
    return reader;
  }

  get reading(): boolean {
    return this.#reading;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#close?.();
    await this.#ended;
  }

  async #run(begun: AsyncIterable<Message>): Promise<void> {
    const { clock, onTrouble } = this.#options;
    let messages: AsyncIterable<Message> | undefined = begun;
    while (!this.#stop.signal.aborted) {
      try {
        messages ??= await this.#begin();
        await this.#read(messages);
      } catch (error) {
        if (!this.#stop.signal.aborted) onTrouble(error);
      }
      this.#reading = false;
      messages = undefined;
      await this.#close?.().catch(() => undefined);
      await clock.sleep(AGAIN_DELAY_MS, this.#stop.signal);
    }
  }

  async #begin(): Promise<AsyncIterable<Message>> {
    const { stream, name, begin } = this.#options;
    await stream.ensure();
    const { created, last } = await stream.position();
    if (created !== this.#created) {
      const kept = name === undefined ? undefined : await stream.nextOf(name);
      this.#next = kept ?? (begin === "first" ? 1 : last + 1);
      this.#created = created;
    }
    const messages = await stream.read(name, this.#next);
    this.#close = () => messages.close();
    this.#reading = true;
    return messages;
  }

  /** Ends at a gap. A gap before the first message is none: the stream has given up what was there. */
  async #read(messages: AsyncIterable<Message>): Promise<void> {
    let isFirst = true;
    for await (const { seq, payload, acknowledge } of messages) {
      if (seq > this.#next && !isFirst) return;
      if (seq >= this.#next) {
        await this.#options.receive(payload);
        this.#next = seq + 1;
      }
      acknowledge();
      isFirst = false;
    }
  }
}

type Message = { readonly seq: number; readonly payload: Uint8Array; readonly acknowledge: () => void };
