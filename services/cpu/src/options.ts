import type { BusOptions, Clock, Credentials, Logger, MetricsOptions } from "@vmcslab/runtime";
import type { CpuSafeguard } from "./sabotage.js";

export interface CpuOptions {
  /** Number of the CPU on its host. */
  readonly cpu: number;
  /** Name of the host in events. Default: host. */
  readonly host?: string;
  /** host:port to listen on. Default: 127.0.0.1:0, a free port. */
  readonly listen?: string;
  /** host:port under which L0 reaches this CPU. Default: where it listens. */
  readonly advertise?: string;
  /** host:port of L0. Without it the CPU serves people only and registers nowhere. */
  readonly l0Address?: string;
  /** Name of the processor model, one of CPU_MODELS. Default: DEFAULT_CPU_MODEL. */
  readonly model?: string;
  /** IA32_FEATURE_CONTROL as firmware leaves it. Default: locked, VMX outside SMX. */
  readonly featureControl?: number;
  /** Memory that exists; beyond it reads give all ones and writes are dropped. Default: as much as anybody addresses. */
  readonly memoryBytes?: number;
  /** How long a CPU that is stopped waits for L0 to take its VMCSs from it, in milliseconds; 0: not at all. Default: 1000. */
  readonly drainMs?: number;
  /** Where events go. Default: nowhere. */
  readonly bus?: BusOptions;
  /** What it shows to others, and what it asks of its callers. Default: nothing. */
  readonly credentials?: Credentials;
  /** Where metrics go. Default: nowhere. */
  readonly metrics?: MetricsOptions;
  /** For tests: a safeguard that it goes without. */
  readonly without?: CpuSafeguard;
  readonly clock?: Clock;
  readonly logger?: Logger;
}
