import { type BusOptions, openSink } from "./bus/open.js";
import type { EventSink } from "./bus/port.js";
import { BUFFERED_EVENTS_MAX } from "./bus/queue.js";
import { EventRecorder } from "./bus/recorder.js";
import { isSourceName } from "./bus/source-name.js";
import { Recovery } from "./bus/spool/recovery.js";
import { Spool } from "./bus/spool/spool.js";
import type { Clock } from "./clock.js";
import { positionToWire } from "./codec/position.js";
import { EventSourceServiceService, type FlushEventsResponse } from "./generated/vmcslab/v1/source.js";
import { LamportClock } from "./lamport.js";
import type { Logger } from "./logger.js";
import { counter, gauge, type Metric } from "./metrics/metric.js";
import { type ServedService, served } from "./rpc/served.js";
import type { UnaryHandlers } from "./rpc/unary.js";

const FLUSH_BOUND_MS = 2000;
const RECOVERY_BOUND_MS = 1000;
/** On the way out: the bus may be gone before us. */
const CLOSE_FLUSH_BOUND_MS = 1000;

/** What a service needs to publish events: its clock, its recorder, its bus, and the RPC that flushes them. */
export class Publisher {
  readonly lamport: LamportClock;
  readonly sink: EventSink;
  readonly recorder: EventRecorder;
  readonly #spool: Spool | undefined;
  readonly #recovery: Recovery | undefined;

  /** Throws for a host name that would not fit into subjects and file names, and for a spool whose directory cannot be made. */
  constructor(bus: BusOptions, host: string, source: string, incarnation: number, clock: Clock, logger: Logger) {
    if (!isSourceName(host)) throw new Error(`host name "${host}": letters, digits, _ and -, at most 64`);
    const lamport = new LamportClock(() => clock.wallUs());
    this.lamport = lamport;
    const { spool: directory, bufferedEvents = BUFFERED_EVENTS_MAX } = bus;
    const onTrouble = (error: unknown): void =>
      logger.error(
        { err: error, directory },
        "the spool cannot be written: events that are not published die with this process",
      );
    const spool =
      directory === undefined
        ? undefined
        : new Spool({ directory, host, source, eventsMax: bufferedEvents, onTrouble });
    this.#spool = spool;
    const sink = openSink(bus, host, source, clock);
    this.sink = sink;
    this.recorder = new EventRecorder({
      ...{ host, source, incarnation, clock, lamport, sink },
      ...(spool === undefined ? {} : { spool }),
    });
    this.recorder.announce();
    if (spool !== undefined && directory !== undefined)
      this.#recovery = new Recovery({ spool, directory, host, source, sink, bufferedEvents, clock, logger });
  }

  /** EventSourceService. */
  service(handlers: UnaryHandlers): ServedService {
    const flushEvents = handlers.handle((): Promise<FlushEventsResponse> => this.flush());
    return served("vmcslab.v1.EventSourceService", EventSourceServiceService, { flushEvents });
  }

  /** Publishes what is pending, also of what earlier lives left, and says where the sequence stands. */
  async flush(): Promise<FlushEventsResponse> {
    const recovered = (await this.#recovery?.done(RECOVERY_BOUND_MS)) ?? true;
    const position = await this.recorder.flush(FLUSH_BOUND_MS);
    return positionToWire({ ...position, complete: recovered && position.complete });
  }

  metrics(): Metric[] {
    const { recorder, sink } = this;
    return [
      counter("vmcslab_events_published_total", "Events of this life of the service.", recorder.published),
      counter("vmcslab_events_dropped_total", "Events given up because the bus was slow or away.", sink.dropped),
      gauge("vmcslab_events_buffered", "Events that the bus has not confirmed yet.", sink.buffered),
      gauge("vmcslab_bus_connected", "Whether the event bus can be reached.", sink.connected ? 1 : 0),
    ];
  }

  /** Publishes what is pending, states that the life ends, then lets go of the bus. What the bus did not confirm stays in the spool. */
  async close(): Promise<void> {
    this.#recovery?.stop();
    await this.recorder.close(CLOSE_FLUSH_BOUND_MS);
    await this.sink.close();
    this.#spool?.close();
  }
}
