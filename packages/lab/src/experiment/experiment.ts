/** Experiment files, without what runs them: commands that only read one start quickly. */

export { parseDelay } from "./delay-text.js";
export { environmentOverrides, environmentWarnings, RUN_ENVIRONMENT } from "./environment.js";
export { type DelayFault, readDelays, readFaults } from "./faults.js";
export { experimentJsonSchema } from "./json-schema.js";
export { type LoadedExperiment, loadExperiment, parseExperiment } from "./load.js";
export { parseFault } from "./one-fault.js";
export { type Setting, settingsOf } from "./origins.js";
export { type Override, parseSetFlag } from "./override.js";
export { refuseFaults } from "./refuse-faults.js";
export type { Experiment } from "./schema.js";
export { parseDurationNs } from "./units.js";
