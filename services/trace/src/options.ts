import type { Clock, Credentials, Logger, MetricsOptions, NatsLogin } from "@vmcslab/runtime";

export interface TraceOptions {
  /** Where events are stored, one file per life of a source. Made when it is missing. */
  readonly directory: string;
  /** host:port to listen on. Default: 127.0.0.1:0, a free port. */
  readonly listen?: string;
  /** nats://[user:password@]host:port to subscribe to. Events that are published directly are taken in any case. */
  readonly natsUrl?: string;
  /** How to log in there. */
  readonly natsLogin?: NatsLogin;
  /** Name of the durable JetStream consumer that keeps our place while we are away. Default: none; what is published from now on is read. */
  readonly consumer?: string;
  /** What it shows to others, and what it asks of its callers. Default: nothing. */
  readonly credentials?: Credentials;
  /** Where metrics go. Default: nowhere. */
  readonly metrics?: MetricsOptions;
  readonly clock?: Clock;
  readonly logger?: Logger;
}
