export { Board, type BoardOptions, type Delivery, type LinkFault, type Links } from "./board.js";
export { BatchCost } from "./cost/charge.js";
export {
  type CostFigure,
  type CostModel,
  type CostStatus,
  cyclesToNs,
  DEFAULT_COST_MODEL,
  derivedModel,
  type IpiDirection,
  ipiOneWayCycles,
} from "./cost/cost-model.js";
export { COST_MODELS, costModelFor, costModelNamed } from "./cost/generations.js";
export { byRow, COST_ROW_TEXTS, COST_ROWS, type CostRow } from "./cost/rows.js";
export { type CycleTotals, mergeTotals, NO_CYCLES, sumOfTotals } from "./cost/totals.js";
export { drawPlan } from "./explore/draw-plan.js";
export { MARKS, type Mark } from "./explore/marks.js";
export { type LostCpuPolicy, type Plan, type PlannedOperation, sizeOf } from "./explore/plan.js";
export { EXPLORER_RULES, type PlanOutcome, type PlanViolation, runPlan } from "./explore/run-plan.js";
export type { MessageRecord } from "./host/network.js";
export { type Saboteur, SimHost, type SimHostOptions } from "./host/sim-host.js";
export { InMemoryHistory } from "./in-memory-history.js";
