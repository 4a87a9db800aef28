import type { ClientOptions } from "@grpc/grpc-js";

/**
 * For every channel between services. Retries are off because sending twice is the protocol's decision, not the channel's. Back-offs are
 * short because a restarted CPU is back within a second and the default waits for 20. Keepalive notices a silent peer within two seconds.
 */
export const CHANNEL_OPTIONS: Partial<ClientOptions> = {
  "grpc.enable_retries": 0,
  "grpc.initial_reconnect_backoff_ms": 20,
  "grpc.min_reconnect_backoff_ms": 20,
  "grpc.max_reconnect_backoff_ms": 500,
  "grpc.keepalive_time_ms": 1000,
  "grpc.keepalive_timeout_ms": 1000,
  // Services on loopback and in containers talk to each other directly.
  "grpc.enable_http_proxy": 0,
  // Two clients of one address in one process do not share a connection: one of them may be cut off by a test.
  "grpc.use_local_subchannel_pool": 1,
};
