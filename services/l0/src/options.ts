import type { BusOptions, Clock, Logger, MetricsOptions } from "@vmcslab/runtime";

export interface L0Options {
  /** Name of the host in events. Default: host. */
  readonly host?: string;
  /** host:port to listen on. Default: 127.0.0.1:0, a free port. */
  readonly listen?: string;
  /** vmcs02 pool size of vcpus that do not say. Default: 1; 0 behaves as 1. */
  readonly poolSize?: number;
  /** Pages for VMCS and VMXON regions. Default: 4096. */
  readonly memoryPages?: number;
  /** Bytes of each VM's memory. Default: 64 MiB, of which only pages that are written cost anything. */
  readonly l1MemoryBytes?: number;
  /** Name of the model of the CPUs L0 runs on. Default: DEFAULT_CPU_MODEL. */
  readonly model?: string;
  /** Where events go. Default: nowhere. */
  readonly bus?: BusOptions;
  /** Where metrics go. Default: nowhere. */
  readonly metrics?: MetricsOptions;
  readonly clock?: Clock;
  readonly logger?: Logger;
}
