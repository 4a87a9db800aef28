export type { TraceOptions } from "./options.js";
export { type RunningTrace, startTrace } from "./trace.js";
