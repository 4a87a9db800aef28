import type { Clock } from "../../clock.js";
import { EventBatch as WireEventBatch } from "../../generated/vmcslab/v1/events.js";
import type { EventSource, ReceiveBatch } from "../port.js";
import { connectNats } from "./connection.js";
import { subjectsOf } from "./subject.js";

export interface NatsSourceOptions {
  readonly url: string;
  readonly clock: Clock;
  /** Told about a message that is not a batch of events; it is not given to the receiver. */
  readonly onMalformed: (error: unknown) => void;
}

/** Trace's end of the NATS bus. Subscribed when the promise ends. */
export async function natsSource(options: NatsSourceOptions, receive: ReceiveBatch): Promise<EventSource> {
  const bus = await connectNats(options.url, "trace", options.clock);
  await bus.subscribe(subjectsOf(), async (payload) => {
    try {
      await receive(WireEventBatch.decode(payload));
    } catch (error) {
      options.onMalformed(error);
    }
  });
  return { close: () => bus.drain() };
}
