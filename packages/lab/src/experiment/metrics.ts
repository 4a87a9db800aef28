/** The metrics that a threshold or a report may name: dotted paths of numbers in result.json. The one list of them. */
import { CLEAR_PHASES } from "@vmcslab/history";
import { PERCENTILE_NAMES } from "../measure/histogram.js";
import { OPERATION_NAMES } from "../measure/operations.js";

/** `latency`: microseconds, compared with a duration. `count`: a plain number. */
export type MetricKind = "latency" | "count";

/** Metrics that belong together. */
export interface MetricGroup {
  readonly kind: MetricKind;
  /** As the page shows it. */
  readonly pattern: string;
  readonly meaning: string;
  readonly paths: readonly string[];
}

const PERCENTILES_TEXT = PERCENTILE_NAMES.map((name) => `\`${name}\``).join(", ");

function counts(prefix: string, names: readonly string[], meaning: string): MetricGroup {
  const pattern = names.map((name) => `\`${prefix}.${name}\``).join(", ");
  return { kind: "count", pattern, meaning, paths: names.map((name) => `${prefix}.${name}`) };
}

function times(
  pattern: string,
  prefixes: readonly string[],
  meaning: string,
  others: readonly string[] = [],
): MetricGroup {
  const names = [...others, ...PERCENTILE_NAMES];
  const shown = [...others.map((name) => `\`${name}\``), PERCENTILES_TEXT].join(", ");
  return {
    ...{ kind: "latency", pattern: `\`${pattern}.\` with ${shown}`, meaning },
    paths: prefixes.flatMap((prefix) => names.map((name) => `${prefix}.${name}`)),
  };
}

export const METRIC_GROUPS: readonly MetricGroup[] = [
  counts(
    "clears",
    ["local", "crossCpu", "initial"],
    "VMCLEARs on the vcpu's own CPU; by another, over an interrupt; that every VMCS begins with. Together they are the history's `vmcs.clear` events.",
  ),
  counts("pool", ["hits", "recycles", "allocations", "frees"], "What L0 did with vmcs02 pools."),
  counts("events", ["published", "stored", "lost"], "Events of the history."),
  {
    ...{ kind: "count", pattern: "`operations.<name>.count`", meaning: "How often an operation was carried out." },
    paths: OPERATION_NAMES.map((name) => `operations.${name}.count`),
  },
  times(
    "operations.<name>.latencyUs",
    OPERATION_NAMES.map((name) => `operations.${name}.latencyUs`),
    "Latency at the caller: it includes the RPC to L0 and all that L0 does.",
  ),
  counts("crossCpuClear", ["count"], "VMCLEARs by another CPU that L0 carried out to the end."),
  times(
    "crossCpuClear.latencyUs",
    ["crossCpuClear.latencyUs"],
    "Of a cross-CPU clear in L0, from the decision until the image is stored.",
  ),
  times(
    "crossCpuClear.phases.<phase>.latencyUs",
    CLEAR_PHASES.map((phase) => `crossCpuClear.phases.${phase}.latencyUs`),
    "Of [its phases](events.md#the-phases-of-a-clear).",
  ),
  {
    ...{ kind: "latency", pattern: "`crossCpuClear.meanUs`, `crossCpuClear.phases.<phase>.meanUs`" },
    meaning: "The means: those of the phases add up to that of the whole.",
    paths: ["crossCpuClear.meanUs", ...CLEAR_PHASES.map((phase) => `crossCpuClear.phases.${phase}.meanUs`)],
  },
  counts(
    "nestedEntry",
    ["count", "roundTrips.mean", "roundTrips.max", "vmwrites.mean", "vmwrites.total"],
    "Entries of L2 for L1; how often L0 waited for CPUs until L2 ran; VMWRITEs to vmcs02s, those after a move included, per entry and in total.",
  ),
  counts(
    "load",
    ["ratePerSecond", "donePerSecond", "intended", "sent", "done", "unfinished"],
    "The rate of an open model, and what was reached; units of load that were due, begun, done; due and never done.",
  ),
  times("load.serviceUs", ["load.serviceUs"], "Of a unit of load, from when it was begun.", ["mean"]),
  times(
    "load.responseUs",
    ["load.responseUs"],
    "Of a unit of load, from when it was due. In a closed model the service time.",
    ["mean"],
  ),
  counts("load.warmup", ["durationMs", "units", "operations"], "What was left out of every measure."),
  times(
    "load.generator.lateUs",
    ["load.generator.lateUs"],
    "How late the load generator itself began units for which a vcpu was free.",
  ),
];

const KINDS: ReadonlyMap<string, MetricKind> = new Map(
  METRIC_GROUPS.flatMap(({ kind, paths }) => paths.map((path) => [path, kind] as const)),
);

export function metricNames(): readonly string[] {
  return [...KINDS.keys()];
}

/** Undefined: there is no such metric. */
export function metricKind(metric: string): MetricKind | undefined {
  return KINDS.get(metric);
}
