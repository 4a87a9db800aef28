/** Reports: of runs and studies, and of one against another. */
export { COMPARE_SCHEMA, type CompareDocument, type ComparedMetric, compareSources } from "./compare/compare.js";
export { openSource, type ReportSource } from "./read/source.js";
export { REPORT_FILE, reportPage, writeReport, writeReportOf } from "./write-report.js";
