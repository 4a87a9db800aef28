/** What every kind of workload has in common. */
import type { LoadRecorder } from "../measure/load.js";
import type { MeasuredHost } from "./measured-host.js";

export interface WorkloadContext {
  readonly host: MeasuredHost;
  /** Notes what becomes of the units that the load consists of. */
  readonly load: LoadRecorder;
  /** CPUs of the host. */
  readonly cpus: number;
  /** Faults are injected: a vcpu whose operation failed goes on where it can. Default: it ends there. */
  readonly hasFaults?: boolean;
  /** Every fault has begun as often as it is to, and ended. Default: there are none. */
  readonly areFaultsOver?: () => boolean;
  /** How often a vcpu tries to go on after an operation of it failed under faults, a quarter of a second apart at most. Default: 100. */
  readonly attempts?: number;
  /** Ends the workload early; what it created is destroyed all the same. */
  readonly signal: AbortSignal;
  /** Waits; ends at once when the signal aborts. */
  readonly sleep: (delayMs: number, signal: AbortSignal) => Promise<void>;
  /** The same, as near to its end as can be had. Default: `sleep`. */
  readonly sleepPrecisely?: (delayMs: number, signal: AbortSignal) => Promise<void>;
}

/** What a workload has to say besides numbers. */
export interface WorkloadReport {
  readonly kind: "kvmTrace" | "roundRobin" | "migrate" | "teardown";
  /** Lines for people: where the input came from, what was inferred, what the experiment added. */
  readonly notes: readonly string[];
  /** Machine-readable facts of the kind. */
  readonly facts: Readonly<Record<string, unknown>>;
}

export interface Workload {
  /** Lines for people before it runs: what it is about to do. */
  readonly notes: readonly string[];
  /** vcpus that it creates. */
  readonly vcpus: number;
  run(context: WorkloadContext): Promise<WorkloadReport>;
}
