import type { Clock } from "../../clock.js";
import { InvalidMessage } from "../../codec/invalid-message.js";
import { EventBatch as WireEventBatch } from "../../generated/vmcslab/v1/events.js";
import type { EventSource, ReceiveBatch } from "../port.js";
import { connectNats } from "./connection.js";
import type { NatsLogin } from "./login.js";
import { StreamReader } from "./stream-reader.js";
import { batchSubjects } from "./subject.js";

export interface NatsSourceOptions {
  readonly url: string;
  readonly login?: NatsLogin;
  readonly clock: Clock;
  /** Name of a durable JetStream consumer: nothing is missed while its reader is away. Default: none. */
  readonly consumer?: string;
  /** Where a reader begins whose place the server does not keep. Default: at the first message with a name, else at the next one. */
  readonly begin?: "first" | "next";
  /** Told about a message that is not a batch of events; it is not given to the receiver. */
  readonly onMalformed: (error: unknown) => void;
  /** Told when reading broke off and begins again. */
  readonly onTrouble?: (error: unknown) => void;
}

/**
 * Trace's end of the NATS bus: reads the JetStream stream, or subscribes where the server has no JetStream. Subscribed when the promise ends.
 */
export async function natsSource(options: NatsSourceOptions, receive: ReceiveBatch): Promise<EventSource> {
  const { url, login, clock, consumer: name, onMalformed, onTrouble = () => undefined } = options;
  const { begin = name === undefined ? "next" : "first" } = options;
  const bus = await connectNats(url, name ?? "reader", clock, login);
  try {
    const stream = await bus.eventStream();
    if (stream === undefined) {
      await bus.subscribe(batchSubjects(), (payload) => take(payload).catch(onMalformed));
      return { isConnected: () => bus.connected, close: () => bus.drain() };
    }
    const reader = await StreamReader.start({ stream, clock, name, begin, receive: take, onTrouble });
    return {
      isConnected: () => bus.connected && reader.reading,
      close: async () => {
        await reader.stop();
        await bus.drain();
      },
    };
  } catch (error) {
    await bus.drain();
    throw error;
  }

  /** Rejects only for what may succeed another time. */
  async function take(payload: Uint8Array): Promise<void> {
    try {
      await receive(decoded(payload));
    } catch (error) {
      if (!(error instanceof InvalidMessage)) throw error;
      onMalformed(error);
    }
  }
}

function decoded(payload: Uint8Array): WireEventBatch {
  try {
    return WireEventBatch.decode(payload);
  } catch (error) {
    throw new InvalidMessage(`not a batch of events: ${error instanceof Error ? error.message : String(error)}`);
  }
}
