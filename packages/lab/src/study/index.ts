/** Studies: an experiment in many cells and repetitions, and what statistics say of it. */
export { WAY_PATH, type Way } from "./axes.js";
export { axisTitles, valueText } from "./cell-name.js";
export { type Cell, checkWorkloads, planStudy, type ScheduledRun, type StudyPlan } from "./plan.js";
export { runStudy, type StudyOptions } from "./run-study.js";
export { SAMPLES_MIN } from "./statistics/median.js";
export { type StudyCell, type StudyMetric, type StudySummary, studyVerdict } from "./summary.js";
export type { StudyPace } from "./time-left.js";
