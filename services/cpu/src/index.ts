export { type RunningCpu, startCpu } from "./cpu.js";
export type { CpuOptions } from "./options.js";
export { CPU_SAFEGUARDS, type CpuSafeguard } from "./sabotage.js";
