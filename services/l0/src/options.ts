import type { Design } from "@vmcslab/nested";
import type { BusOptions, Clock, Credentials, JournalSpec, Logger, MetricsOptions } from "@vmcslab/runtime";
import type { L0Safeguard } from "./sabotage.js";

/**
 * What L0 does about a CPU that falls silent. `wait`: it waits, and takes its VMCSs only when nobody listens at its address any more. `fence`: once the CPU's lease has
 * certainly ended, its VMCSs are rebuilt elsewhere. `kill`: the vcpus whose VMCSs were there end.
 */
export type LostCpuPolicy = "wait" | "fence" | "kill";

export interface L0Options {
  /** Name of the host in events. Default: host. */
  readonly host?: string;
  /** host:port to listen on. Default: 127.0.0.1:0, a free port. */
  readonly listen?: string;
  /** vmcs02 pool size of vcpus that do not say. Default: 1; 0 behaves as 1. */
  readonly poolSize?: number;
  /** How it is built. Default: of each part the default of DEFAULT_DESIGN. */
  readonly design?: Partial<Design>;
  /** Pages for VMCS and VMXON regions. Default: 4096. */
  readonly memoryPages?: number;
  /** Bytes of each VM's memory. Default: 64 MiB, of which only pages that are written cost anything. */
  readonly l1MemoryBytes?: number;
  /** Name of the model of the CPUs L0 runs on. Default: DEFAULT_CPU_MODEL. */
  readonly model?: string;
  /** Default: wait. */
  readonly lostCpu?: LostCpuPolicy;
  /** For fence and kill: how long a CPU may go on without hearing from L0, in whole milliseconds. Default: 5000. */
  readonly leaseMs?: number;
  /** Where L0 keeps what its next life has to know. Default: nowhere; a restarted L0 knows nothing. */
  readonly journal?: JournalSpec;
  /** Where events go. Default: nowhere. */
  readonly bus?: BusOptions;
  /** What it shows to others, and what it asks of its callers. Default: nothing. */
  readonly credentials?: Credentials;
  /** Where metrics go. Default: nowhere. */
  readonly metrics?: MetricsOptions;
  /** For tests: a safeguard that it goes without. */
  readonly without?: L0Safeguard;
  readonly clock?: Clock;
  readonly logger?: Logger;
}
