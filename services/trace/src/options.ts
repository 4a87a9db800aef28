import type { Clock, Logger } from "@vmcslab/runtime";

export interface TraceOptions {
  /** Where events are stored, one file per life of a source. Made when it is missing. */
  readonly directory: string;
  /** host:port to listen on. Default: 127.0.0.1:0, a free port. */
  readonly listen?: string;
  /** nats://[user:password@]host:port to subscribe to. Events that are published directly are taken in any case. */
  readonly natsUrl?: string;
  readonly clock?: Clock;
  readonly logger?: Logger;
}
