/** What a simulated run says besides: where its times come from, and where they went. */
import type { CycleTotals } from "@vmcslab/sim";
import type { LatencyRecorder, OperationCost } from "../measure/latency.js";
import type { OperationName } from "../measure/operations.js";
import type { SimulatedPart } from "../target/target.js";

export interface SimulationReport {
  /** Name of the cost model that all times come from. */
  readonly costModel: string;
  /** Cycles per nanosecond. */
  readonly ghz: number;
  /** From the workload's start until the host had settled. */
  readonly virtualNs: number;
  /** Messages delivered and timers fired. */
  readonly steps: number;
  readonly operations: Partial<Record<OperationName, OperationCost>>;
  /** Where time went on all CPUs together, by row of the cost model. */
  readonly cyclesByRow: CycleTotals;
}

export function simulationReport({ costModel, spent }: SimulatedPart, latencies: LatencyRecorder): SimulationReport {
  const { name, ghz } = costModel;
  const { virtualNs, steps, cyclesByRow } = spent();
  return { costModel: name, ghz, virtualNs, steps, operations: latencies.costs(ghz), cyclesByRow };
}
