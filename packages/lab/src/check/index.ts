export { exitCodeOf } from "../run/verdict.js";
export type { SurroundingEvent } from "./around.js";
export { type CheckedViolation, type CheckRunOptions, checkRun, type RunCheck } from "./check-run.js";
export { openHistory, readEvents } from "./open-history.js";
export { readRecording } from "./recording.js";
