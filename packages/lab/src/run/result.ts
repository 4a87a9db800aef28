/** The result of a run: what `--json` prints and result.json holds. Its schema is `vmcslab.result/v1`; keys may be added, never changed. */
import type { Design } from "@vmcslab/nested";
import type { ThresholdOutcome } from "../experiment/thresholds.js";
import type { ClearReport } from "../measure/clear-times.js";
import type { EntryReport } from "../measure/entry-costs.js";
import type { OperationLatency } from "../measure/latency.js";
import type { LoadReport } from "../measure/load.js";
import type { OperationName } from "../measure/operations.js";
import type { EventCounts, FaultsReport, RunMode } from "../target/target.js";
import type { FailedOperation } from "../workload/findings.js";
import type { MachineFacts } from "./machine.js";
import type { SimulationReport } from "./simulation.js";
import type { Verdict } from "./verdict.js";

export const RESULT_SCHEMA = "vmcslab.result/v1";

/** Something that did not hold. `invariant`: its number in the design; absent for `l1Outcome`, which is a check of its own. */
export interface Violation {
  readonly invariant?: number;
  readonly check: string;
  readonly message: string;
  /** No event that may be missing explains it. Absent: seen by L1 itself. */
  readonly certain?: boolean;
  /** Identity of the VMCS, where it is about one. */
  readonly vmcs?: number;
  readonly cpus?: readonly number[];
  /** The events that contradict each other, as source#sequence number. */
  readonly events?: readonly string[];
}

export interface RunResult {
  readonly schema: typeof RESULT_SCHEMA;
  readonly experiment: string;
  readonly seed: number;
  readonly verdict: Verdict;
  readonly mode: RunMode;
  /** A safeguard that the host went without, to show what it is for. Absent: none. */
  readonly without?: string;
  /** Only of a simulated run: then all times here are virtual, `durationMs` too. */
  readonly simulation?: SimulationReport;
  readonly host: {
    readonly cpus: number;
    readonly vcpus: number;
    readonly poolSize: number;
    readonly design: Design["vmcs02"];
    readonly preparation: Design["preparation"];
    readonly clearing: Design["clearing"];
  };
  /** Where it was measured. Absent where time is virtual. */
  readonly machine?: MachineFacts;
  readonly operations: Partial<Record<OperationName, OperationLatency>>;
  /** Cross-CPU clears inside L0, as the history tells them: from the decision until the image is stored and the record says so. Absent: there was none. */
  readonly crossCpuClear?: ClearReport;
  /** What nested entries cost in messages and VMWRITEs, as the history tells them. Absent: there was none. */
  readonly nestedEntry?: EntryReport;
  /** What became of the units of load. Absent of a replay, which has none. */
  readonly load?: LoadReport;
  /** `initial`: the VMCLEAR that every VMCS begins with. The three add up to the history's vmcs.clear events. */
  readonly clears: { readonly local: number; readonly crossCpu: number; readonly initial: number };
  readonly pool: {
    readonly hits: number;
    readonly recycles: number;
    readonly allocations: number;
    readonly frees: number;
  };
  readonly events: EventCounts;
  readonly violations: readonly Violation[];
  /** More violations than are listed: their number. */
  readonly violationCount: number;
  readonly failures: readonly FailedOperation[];
  readonly failureCount: number;
  /** What was done to the host on purpose. Absent where nothing can be. */
  readonly faults?: FaultsReport;
  /** What there is to know about them: a victim that had vanished. Absent: nothing. */
  readonly faultNotes?: readonly string[];
  /** Why the evidence is not complete. */
  readonly gaps: readonly string[];
  readonly thresholds: readonly ThresholdOutcome[];
  readonly workload: {
    readonly kind: string;
    readonly notes: readonly string[];
    readonly facts: Readonly<Record<string, unknown>>;
  };
  /** The signal that ended the run early. */
  readonly interrupted?: string;
  readonly startedAt: string;
  readonly durationMs: number;
  /** The run's folder, and a command that repeats the run. */
  readonly folder: string;
  readonly again: string;
}

/** A number of a result by its dotted path, as thresholds name it. */
export function metricOf(
  result: Pick<RunResult, "operations" | "load" | "crossCpuClear" | "nestedEntry" | "clears" | "pool" | "events">,
  metric: string,
): number | undefined {
  let value: unknown = result;
  for (const step of metric.split(".")) {
    if (typeof value !== "object" || value === null) return undefined;
    value = Object.getOwnPropertyDescriptor(value, step)?.value;
  }
  return typeof value === "number" ? value : undefined;
}
