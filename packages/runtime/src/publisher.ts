import { type BusOptions, openSink } from "./bus/open.js";
import type { EventSink } from "./bus/port.js";
import { EventRecorder } from "./bus/recorder.js";
import { isSourceName } from "./bus/source-name.js";
import type { Clock } from "./clock.js";
import { positionToWire } from "./codec/position.js";
import { EventSourceServiceService, type FlushEventsResponse } from "./generated/vmcslab/v1/source.js";
import { LamportClock } from "./lamport.js";
import { counter, gauge, type Metric } from "./metrics/metric.js";
import { type ServedService, served } from "./rpc/served.js";
import type { UnaryHandlers } from "./rpc/unary.js";

const FLUSH_BOUND_MS = 2000;
/** On the way out: the bus may be gone before us. */
const CLOSE_FLUSH_BOUND_MS = 1000;

/** What a service needs to publish events: its clock, its recorder, its bus, and the RPC that flushes them. */
export class Publisher {
  readonly lamport = new LamportClock();
  readonly sink: EventSink;
  readonly recorder: EventRecorder;

  /** Throws for a host name that would not fit into subjects and file names. */
  constructor(bus: BusOptions, host: string, source: string, incarnation: number, clock: Clock) {
    if (!isSourceName(host)) throw new Error(`host name "${host}": letters, digits, _ and -, at most 64`);
    const { lamport } = this;
    this.sink = openSink(bus, host, source, clock);
    this.recorder = new EventRecorder({ host, source, incarnation, clock, lamport, sink: this.sink });
  }

  /** EventSourceService. */
  service(handlers: UnaryHandlers): ServedService {
    const flushEvents = handlers.handle((): Promise<FlushEventsResponse> => this.flush());
    return served("vmcslab.v1.EventSourceService", EventSourceServiceService, { flushEvents });
  }

  /** Publishes what is pending and says where the sequence stands. */
  async flush(): Promise<FlushEventsResponse> {
    return positionToWire(await this.recorder.flush(FLUSH_BOUND_MS));
  }

  metrics(): Metric[] {
    const { recorder, sink } = this;
    return [
      counter("vmcslab_events_published_total", "Events of this life of the service.", recorder.published),
      counter("vmcslab_events_dropped_total", "Events given up because the bus was slow or away.", sink.dropped),
      gauge("vmcslab_bus_connected", "Whether the event bus can be reached.", sink.connected ? 1 : 0),
    ];
  }

  /** Publishes what is pending, then lets go of the bus. */
  async close(): Promise<void> {
    await this.recorder.flush(CLOSE_FLUSH_BOUND_MS);
    await this.sink.close();
  }
}
