/** A result for people. */
import type { RunResult, Violation } from "@vmcslab/lab";
import { PERCENTILE_NAMES } from "@vmcslab/lab";
import { formatClears } from "./clears.js";
import { formatFaults } from "./faults.js";
import { formatLoad } from "./load.js";
import { Palette } from "./palette.js";
import { PERCENTILE_TITLES } from "./percentile-titles.js";
import { costsTable, formatSimulation, simulatedOperationsTable } from "./simulation.js";
import { renderTable } from "./table.js";

/** Violations and failures that are printed; result.json has more. */
const SHOWN_MAX = 10;

export function formatResult(result: RunResult, colour: boolean): string {
  const palette = new Palette(colour);
  return [
    formatHead(result, palette),
    ...operationTables(result, palette),
    ...formatClears(result, palette),
    ...formatLoad(result, palette),
    countsTable(result, palette),
    ...formatFaults(result, palette),
    ...formatThresholds(result, palette),
    ...formatProblems(result),
    ...result.workload.notes,
    `folder: ${result.folder}`,
    `again: ${result.again}`,
    "",
  ].join("\n");
}

function operationTables(result: RunResult, palette: Palette): string[] {
  const { simulation } = result;
  if (simulation === undefined) return [operationsTable(result, palette)];
  return [formatSimulation(simulation), simulatedOperationsTable(simulation, palette), costsTable(simulation, palette)];
}

function formatHead(result: RunResult, palette: Palette): string {
  const { experiment, seed, host, verdict, durationMs, simulation, interrupted, without, load } = result;
  const lasted =
    simulation === undefined
      ? `${(durationMs / 1_000).toFixed(1)} s`
      : `${(simulation.virtualNs / 1e6).toFixed(3)} ms of virtual time`;
  const size = `${host.cpus} CPUs, ${host.vcpus} vcpus, pool size ${host.poolSize}, ${lasted}`;
  const early = interrupted === undefined ? "" : `, ended early by ${interrupted}`;
  const weakened = without === undefined ? "" : `, without the safeguard ${without}`;
  const behind = load?.generator?.fellBehind === true ? ", the load generator fell behind" : "";
  return `${experiment}, seed ${seed}: ${palette.verdict(verdict)} (${size}${early}${weakened}${behind})`;
}

function operationsTable({ operations }: RunResult, palette: Palette): string {
  const head = ["operation", "count", ...PERCENTILE_NAMES.map((name) => `${PERCENTILE_TITLES[name]} µs`)];
  const rows = Object.entries(operations).map(([name, { count, latencyUs }]) => {
    return [name, `${count}`, ...PERCENTILE_NAMES.map((percentile) => latencyUs[percentile].toFixed(1))];
  });
  return renderTable(head, rows, palette);
}

function countsTable({ clears, pool, events, violationCount }: RunResult, palette: Palette): string {
  const rows = [
    ["clears, local", `${clears.local}`],
    ["clears, cross-CPU", `${clears.crossCpu}`],
    ["clears, initialising", `${clears.initial}`],
    ["pool hits", `${pool.hits}`],
    ["pool recycles", `${pool.recycles}`],
    ["pool allocations", `${pool.allocations}`],
    ["pool frees", `${pool.frees}`],
    ["events published", `${events.published}`],
    ["events stored", `${events.stored}`],
    ["events lost", `${events.lost}`],
    ["invariant violations", `${violationCount}`],
  ];
  return renderTable(["what", "count"], rows, palette);
}

function formatThresholds({ thresholds }: RunResult, palette: Palette): string[] {
  return thresholds.map(({ metric, expression, value, met }) => {
    return `threshold ${metric} ${expression}: ${palette.met(met)} (${value ?? "not measured"})`;
  });
}

function formatProblems({ violations, violationCount, failures, failureCount, gaps }: RunResult): string[] {
  const shownViolations = violations.slice(0, SHOWN_MAX).map(formatViolation);
  const shownFailures = failures.slice(0, SHOWN_MAX).map(({ operation, code, definite, message, underFaults }) => {
    const why = underFaults === true ? " under faults" : "";
    return `operation failed${why}: ${operation}: ${code} (${definite ? "definite" : "indefinite"}): ${message}`;
  });
  return [
    ...shownViolations,
    ...more(violationCount - shownViolations.length, "violations"),
    ...shownFailures,
    ...more(failureCount - shownFailures.length, "failed operations"),
    ...gaps.map((gap) => `evidence is missing: ${gap}`),
  ];
}

/** With all that it names: rule, VMCS, CPUs, and the events that contradict each other. */
function formatViolation({ invariant, check, message, vmcs, cpus = [], events = [] }: Violation): string {
  const rule = invariant === undefined ? `check ${check}` : `invariant ${invariant} (${check})`;
  const named = [
    ...(vmcs === undefined ? [] : [`VMCS ${vmcs}`]),
    ...(cpus.length === 0 ? [] : [`CPU ${cpus.join(", ")}`]),
    ...(events.length === 0 ? [] : [`events ${events.join(", ")}`]),
  ];
  return `violation of ${rule}: ${message}${named.length === 0 ? "" : ` [${named.join("; ")}]`}`;
}

function more(count: number, what: string): string[] {
  return count > 0 ? [`and ${count} more ${what}`] : [];
}
