export { createExecutor, type Executor } from "./executor.js";
export type { ExecAnswer, ExecResult } from "./result.js";
export { EXIT_INVALID, EXIT_OK, EXIT_USAGE, type RunExecOptions, runExec } from "./run-exec.js";
export { REGIONS } from "./traces/recorded-machine.js";
export { RecordedMachine, replay } from "./traces/replay.js";
export { type RunTracesOptions, runTraces, type TraceDisagreement, type TracesReport } from "./traces/run-traces.js";
export {
  agrees,
  type Demand,
  type Disagreement,
  type Reached,
  type RecordedResult,
  type Replay,
  replayScript,
  type Script,
} from "./traces/script.js";
export { comparableLength, parseSequence, type Sequence } from "./traces/sequence.js";
export { ExecUsageError } from "./usage-error.js";
