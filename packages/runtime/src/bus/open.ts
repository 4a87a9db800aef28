import type { Clock } from "../clock.js";
import type { Credentials } from "../security/credentials.js";
import { DirectSink } from "./direct/sink.js";
import { DiscardSink } from "./discard.js";
import type { NatsLogin } from "./nats/login.js";
import { NatsSink } from "./nats/sink.js";
import type { EventSink } from "./port.js";
import { BatchQueue } from "./queue.js";

/** Which bus a service publishes on. With both, NATS; with neither, events are dropped. */
export interface BusOptions {
  /** nats://[user:password@]host:port */
  readonly natsUrl?: string;
  /** How to log in there. */
  readonly natsLogin?: NatsLogin;
  /** host:port of trace. */
  readonly traceAddress?: string;
  /** Events that are buffered at most while the bus is slow or away. Default: {@link BUFFERED_EVENTS_MAX}. */
  readonly bufferedEvents?: number;
  /** A folder for events that the bus has not confirmed: what a life that is killed leaves there, the next life of its source publishes. Default: none. */
  readonly spool?: string;
  /** What is shown to trace. Default: nothing. */
  readonly credentials?: Credentials;
}

export function openSink(bus: BusOptions, host: string, source: string, clock: Clock): EventSink {
  const queue = new BatchQueue(bus.bufferedEvents);
  const { natsUrl: url, natsLogin: login, traceAddress: address, credentials } = bus;
  if (url !== undefined)
    return new NatsSink({ url, host, source, clock, queue, ...(login === undefined ? {} : { login }) });
  if (address !== undefined)
    return new DirectSink({ address, clock, queue, ...(credentials === undefined ? {} : { credentials }) });
  return new DiscardSink();
}
