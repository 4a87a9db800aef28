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
export { Scheduler } from "./engine/scheduler.js";
export { drawPlan } from "./explore/draw-plan.js";
export {
  EMPTY_REPORT,
  type ExploreOptions,
  type ExploreReport,
  exploreSeeds,
  mergeReports,
  type SeedViolation,
} from "./explore/explore.js";
export { describeFault, describeHost, describeOperation } from "./explore/explore-text.js";
export { MARKS, type Mark } from "./explore/marks.js";
export { drawPicture, PICTURE_LEGEND, type PictureOptions } from "./explore/picture.js";
export { type Recording, recordRun } from "./explore/picture-record.js";
export { type ExploreScope, type LostCpuPolicy, type Plan, type PlannedOperation, sizeOf } from "./explore/plan.js";
export { type CpuSnapshot, type HostSnapshot, type Replay, type ReplayStep, replayPlan } from "./explore/replay.js";
export { EXPLORER_RULES, type PlanOutcome, type PlanViolation, runPlan } from "./explore/run-plan.js";
export { type ShrinkOptions, shrinkPlan } from "./explore/shrink.js";
export type { Message } from "./host/messages.js";
export type { MessageRecord } from "./host/network.js";
export { type Saboteur, SimHost, type SimHostOptions } from "./host/sim-host.js";
export { MUTANTS, type Mutant, type MutantFindings, measureMutant, mutantNamed } from "./mutants/index.js";
export { type NameRegion, renderStep } from "./notation.js";
