export { type RunningCpu, startCpu } from "./cpu.js";
export type { CpuOptions } from "./options.js";
