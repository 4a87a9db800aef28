import type { Clock, Logger, MetricsOptions } from "@vmcslab/runtime";

export interface TraceOptions {
  /** Where events are stored, one file per life of a source. Made when it is missing. */
  readonly directory: string;
  /** host:port to listen on. Default: 127.0.0.1:0, a free port. */
  readonly listen?: string;
  /** nats://[user:password@]host:port to subscribe to. Events that are published directly are taken in any case. */
  readonly natsUrl?: string;
  /** Name of the durable JetStream consumer that keeps our place while we are away. Default: none; what is published from now on is read. */
  readonly consumer?: string;
  /** Where metrics go. Default: nowhere. */
  readonly metrics?: MetricsOptions;
  readonly clock?: Clock;
  readonly logger?: Logger;
}
