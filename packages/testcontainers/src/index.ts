/** A nested host of containers under your tests: docs/testcontainers.md */
export type { HistoryEvent } from "@vmcslab/history";
export type {
  CpuClient,
  CpuInfo,
  HostInfo,
  L0Client,
  ProcessorInfo,
  TraceClient,
} from "@vmcslab/runtime";
export { type LinkDelay, VmcslabHost } from "./host.js";
export type { HostJournal } from "./settings.js";
export { StartedVmcslabHost } from "./started-host.js";
