/** Searching the simulated host for runs that go wrong, and running them again. */

export { type Explored, type ExploreProgress, explore, type Finding } from "./explore.js";
export { type PlanFile, readPlanFile, writePlanFile } from "./plan-file.js";
export { cpuModelCalled, type ExploreSetup, mutantCalled, setupOf } from "./setup.js";
