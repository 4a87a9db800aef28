export { DirectSink } from "./bus/direct/sink.js";
export { DirectSource } from "./bus/direct/source.js";
export { MemorySink } from "./bus/memory/sink.js";
export { memorySource } from "./bus/memory/source.js";
export { type NatsEventsOptions, natsEvents } from "./bus/nats/events.js";
export { type NatsLogin, splitNatsUrl, withoutCredentials } from "./bus/nats/login.js";
export { NatsSink } from "./bus/nats/sink.js";
export { natsSource } from "./bus/nats/source.js";
export { type BusOptions, openSink } from "./bus/open.js";
export type { EventBatch, EventSink, EventSource, ReceiveBatch } from "./bus/port.js";
export { EventRecorder, type SequencePosition } from "./bus/recorder.js";
export { isSourceName } from "./bus/source-name.js";
export { CpuClient } from "./client/cpu-client.js";
export { FaultClient, type InjectOptions } from "./client/fault-client.js";
export { checkHealth, type HealthStatus } from "./client/health-client.js";
export {
  CPU_STATE,
  type CpuInfo,
  type CpuRegistration,
  type CpuState,
  type HostInfo,
  type HostPositions,
  JOURNAL_KIND,
  L0Client,
  LOST_CPU_POLICY,
  type RegistrationAnswer,
  type VcpuInfo,
} from "./client/l0-client.js";
export type { ProcessorInfo } from "./client/processor-info.js";
export { flushEvents } from "./client/source-client.js";
export { type SourceCount, TraceClient, type TraceCounts } from "./client/trace-client.js";
export {
  type Clock,
  newIncarnation,
  randomBits32,
  type SharedClock,
  sharedClock,
  systemClock,
  within,
} from "./clock.js";
export { instructionFromStep } from "./codec/cpu/instruction-from-wire.js";
export { instructionToStep } from "./codec/cpu/instruction-to-wire.js";
export {
  brokenRule,
  type CpuOutcome,
  cpuOutcomeFromWire,
  cpuOutcomeToWire,
  producedValue,
} from "./codec/cpu/outcome.js";
export type { CpuStep, InstructionStep } from "./codec/cpu/step.js";
export { designFromWire, designToWire } from "./codec/design.js";
export { checkEventBatch, eventBatchFromWire, eventBatchToWire } from "./codec/event.js";
export { eventKindFromWire, eventKinds, eventKindToWire, isEventKind } from "./codec/event-kind.js";
export type { FaultOrder, FaultState, FaultStatus } from "./codec/fault.js";
export { countersToWire, createVcpuFromWire, guestExitFromWire, registrationFromWire } from "./codec/host.js";
export { InvalidMessage } from "./codec/invalid-message.js";
export { journalRecordFromWire, journalRecordToWire } from "./codec/journal.js";
export { l1InstructionFromWire, l1OutcomeToWire } from "./codec/l1.js";
export { nestedStateToWire } from "./codec/nested-state.js";
export { toNumber } from "./codec/numbers.js";
export { positionToWire } from "./codec/position.js";
export { between, checkCount } from "./codec/ranges.js";
export { requireCpuModel } from "./cpu-model.js";
export { Driver } from "./driver.js";
export { carry, type Fate } from "./faults/carry.js";
export { faultyTransport } from "./faults/faulty-transport.js";
export { FaultHub, type HeldFault } from "./faults/hub.js";
export { killSelf, killSelfSoon, stallSelf, whyNotKilled, whyNotStalled } from "./faults/own-process.js";
export { type FaultPlace, faultService } from "./faults/service.js";
export { SkewedClock } from "./faults/skewed-clock.js";
/** The generated messages and services, one namespace per file of proto/. */
export * as cpuWire from "./generated/vmcslab/v1/cpu.js";
export * as eventsWire from "./generated/vmcslab/v1/events.js";
export * as journalWire from "./generated/vmcslab/v1/journal.js";
export * as l0Wire from "./generated/vmcslab/v1/l0.js";
export * as traceWire from "./generated/vmcslab/v1/trace.js";
export { DamagedHistory, encodeDelimited, readBatches, TruncatedHistory } from "./history/delimited.js";
export { EVENTS_EXTENSION, historyFiles, readHistory } from "./history/reader.js";
export { InterconnectEndpoint, ProtocolViolation } from "./interconnect/endpoint.js";
export { grpcTarget } from "./interconnect/grpc/target.js";
export { grpcTransport } from "./interconnect/grpc/transport.js";
export { inProcessTarget } from "./interconnect/in-process/target.js";
export { inProcessTransport } from "./interconnect/in-process/transport.js";
export type { InterconnectClient, InterconnectTarget, Transport } from "./interconnect/port.js";
export { InterconnectSession } from "./interconnect/session.js";
export { BatchStopwatch } from "./interconnect/stopwatch.js";
export { JOURNAL_SPECS, type JournalSpec, openJournal, parseJournalSpec } from "./journal/open.js";
export { type Journal, JournalDamaged, JournalLost } from "./journal/port.js";
export { LamportClock } from "./lamport.js";
export { useLeanHeap } from "./lean-heap.js";
export { type Lifeline, lifeline } from "./lifeline.js";
export { LIMITS, type Limit, shown } from "./limits.js";
export { type LinkFaults, NO_FAULTS } from "./link-proxy/link-faults.js";
export { type ProxyOptions, startProxy } from "./link-proxy/proxy.js";
export { createLogger, LOG_LEVELS, type Logger, type LogLevel } from "./logger.js";
export { type CollectMetrics, counter, gauge, labelled, type Metric } from "./metrics/metric.js";
export { type MetricsOptions, type RunningMetrics, startMetrics } from "./metrics/start.js";
export { Metronome } from "./metronome.js";
export { Publisher } from "./publisher.js";
export { type Readiness, watchReadiness } from "./readiness.js";
export { UnaryCaller } from "./rpc/call.js";
export { OperationRefused } from "./rpc/rpc-error.js";
export { type RunningServer, serve } from "./rpc/serve.js";
export { type ServedService, served } from "./rpc/served.js";
export { serverStream } from "./rpc/server-stream.js";
export { UnaryHandlers } from "./rpc/unary.js";
export { ACCESS, PEOPLES_SOURCE, ruleOf, type Who } from "./security/access.js";
export { type Made, type MakeOptions, makeCredentials } from "./security/certificates/make.js";
export { natsPermissions, PEOPLES_USER } from "./security/certificates/nats-config.js";
export { Credentials } from "./security/credentials.js";
export { Exposed, isExposed, isLoopback } from "./security/exposure.js";
export { type Caller, Guard } from "./security/guard.js";
export { askHttp } from "./security/http.js";
export { cpuName, isServiceName, type ServiceName } from "./security/identity.js";
export {
  type CredentialSources,
  CredentialsError,
  FILES,
  readClientCredentials,
  readSecretFile,
  readServiceCredentials,
} from "./security/read.js";
export { digestOf, Secret } from "./security/secret.js";
