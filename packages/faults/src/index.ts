export { type ActionMeaning, DUPLICATE_COPIES, FAULT_ACTIONS, METHODS, REORDER_BY_NS } from "./actions.js";
export * from "./distribution/distribution.js";
export { mean, quantile, sampler } from "./distribution/quantile.js";
export * from "./fault.js";
export * from "./fault-driver.js";
export { FaultSet } from "./messages/fault-set.js";
export type { Message } from "./messages/matcher.js";
export { type Decision, MessageFaults } from "./messages/message-faults.js";
export { RandomStream } from "./random/random-stream.js";
