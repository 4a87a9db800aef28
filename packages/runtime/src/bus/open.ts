import type { Clock } from "../clock.js";
import { DirectSink } from "./direct/sink.js";
import { DiscardSink } from "./discard.js";
import { NatsSink } from "./nats/sink.js";
import type { EventSink } from "./port.js";

/** Which bus a service publishes on. With both, NATS; with neither, events are dropped. */
export interface BusOptions {
  /** nats://[user:password@]host:port */
  readonly natsUrl?: string;
  /** host:port of trace. */
  readonly traceAddress?: string;
}

export function openSink(bus: BusOptions, host: string, source: string, clock: Clock): EventSink {
  if (bus.natsUrl !== undefined) return new NatsSink({ url: bus.natsUrl, host, source, clock });
  if (bus.traceAddress !== undefined) return new DirectSink({ address: bus.traceAddress, clock });
  return new DiscardSink();
}
