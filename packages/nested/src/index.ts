export * from "./api.js";
export type { CrashReport } from "./crash.js";
export {
  type BatchResult,
  type Operation,
  OperationFailed,
  type OutgoingBatch,
  type Steps,
  type Wait,
} from "./effect.js";
export { type BatchPort, Executive, type SendBatch } from "./executive.js";
export { applyFields, changedFields, FieldValuesBuilder, NO_FIELDS, nonZeroFields } from "./field-values.js";
export type { AllocationKind } from "./host/allocator.js";
export { DEFAULT_DESIGN, type Design } from "./host/design.js";
export type { HostConfig, HostPorts, LostVmcsPolicy } from "./host/host-state.js";
export { Hypervisor, type Remembered } from "./hypervisor.js";
export * from "./interconnect/batch.js";
export type { CpuReport, HeldVmcs } from "./interconnect/cpu-report.js";
export { isExpected } from "./interconnect/expected.js";
export {
  type BatchDone,
  DEFAULT_DEADLINE_MS,
  Outbox,
  type OutboxOptions,
  type SendOptions,
} from "./interconnect/outbox.js";
export { BatchTarget } from "./interconnect/target.js";
export { type BatchTiming, isCrossCpuCall, LinkTimes, type LinkTiming, type Stopwatch } from "./interconnect/timing.js";
export { JournalImage } from "./journal/image.js";
export type {
  CpuRecord,
  JournalRecord,
  NextNumbers,
  PageRecord,
  VcpuRecord,
  VmcsRecord,
} from "./journal/record.js";
export { VMCS12_REVISION } from "./l1/vmcs12.js";
export { CpuLease } from "./lease/cpu-lease.js";
export { CpuLives, type LeaseTerms, NO_LEASE } from "./lease/cpu-lives.js";
export { prepareVmcs02 } from "./nested/prepare.js";
export type { Timer, Timers } from "./timers.js";
