export {
  type ControlCapability,
  type CpuFeature,
  type CpuModel,
  type CpuModelSpec,
  cpuModel,
  FEATURE_FIELDS,
  FieldAccess,
  featuresOf,
} from "./cpu-model.js";
export { CPU_MODELS, cpuModelNamed, DEFAULT_CPU_MODEL } from "./cpu-models.js";
export {
  checkEntryControls,
  checkGuestState,
  checkHostState,
  checkMsrLoading,
  type GuestCheckFailure,
  type GuestCheckOptions,
} from "./entry-checks/check.js";
export type { EntryCheckFailure } from "./entry-checks/context.js";
export { ENTRY_FAILURE, ExitReason } from "./exit-reasons.js";
export { FIELD_ALIASES } from "./field-aliases.js";
export { Field, type FieldName } from "./field-encodings.js";
export { FieldStore, HIGH_MASK, LOW_MASK } from "./field-store.js";
export {
  FIELD_COUNT,
  FIELDS,
  type FieldInfo,
  type FieldType,
  type FieldWidth,
  fieldByName,
  fieldIndex,
  isHighAccess,
} from "./fields.js";
export { HAZARD_RULES, Hazard, type HazardName, type HazardRule, storeHazard } from "./hazards.js";
export { Instruction, Mode, type ModeCode, Op, type OpCode, type OpName } from "./instruction.js";
export { InvariantError, invariant } from "./invariant.js";
export { Memory, PAGE_BYTES, type Page } from "./memory.js";
export { Outcome, Status, type StatusCode, type StatusName, Vector } from "./outcome.js";
export { type ActiveVmcs, Processor, type ProcessorOptions } from "./processor.js";
export { FEATURE_CONTROL_READY } from "./processor-state.js";
export { VmError } from "./results.js";
export type { DeactivationPolicy } from "./vmcs-cache.js";
