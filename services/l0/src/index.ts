export { type RunningL0, startL0 } from "./l0.js";
export type { L0Options, LostCpuPolicy } from "./options.js";
export { L0_SAFEGUARDS, type L0Safeguard } from "./sabotage.js";
