/** `vmcslab report --compare A B`: every number of A against that of B. Its schema is `vmcslab.compare/v1`; keys may be added, never changed. */
import { UsageError } from "../../errors.js";
import { type Comparison, compareSamples, describe } from "../../study/statistics/compare.js";
import type { ReadLatencies } from "../read/schemas.js";
import type { ReportSource, RunSource } from "../read/source.js";
import { compareBlocks } from "./blocks.js";
import { factsOf, type Setting, settingsOf, whatDiffers } from "./differences.js";
import { type Group, groupsOf } from "./groups.js";

export const COMPARE_SCHEMA = "vmcslab.compare/v1";

export interface ComparedMetric extends Comparison {
  /** The cell, of studies. */
  readonly cell?: string;
  /** Dotted path in result.json; or a series of latencies.json. */
  readonly metric: string;
  /** What is resampled: repetitions, or intervals of time of two single runs. */
  readonly over: "repetitions" | "intervals";
  readonly samples: { readonly a: number; readonly b: number };
  readonly paired: boolean;
}

export interface Side {
  readonly folder: string;
  readonly kind: ReportSource["kind"];
  readonly experiment: string;
}

export interface CompareDocument {
  readonly schema: typeof COMPARE_SCHEMA;
  readonly a: Side;
  readonly b: Side;
  /** Settings of the experiments that are not the same. */
  readonly settings: readonly Setting[];
  /** Sentences: other machines, other experiments, cells without a counterpart. */
  readonly warnings: readonly string[];
  readonly comparisons: readonly ComparedMetric[];
  /** Of so many with an interval, so many show a difference; one in twenty does where there is none. */
  readonly judged: number;
  readonly different: number;
}

/** Reads what it needs of both. `metrics`: only those whose path begins with one of these; none: all. */
export async function compareSources(
  a: ReportSource,
  b: ReportSource,
  metrics: readonly string[] = [],
): Promise<CompareDocument> {
  const pairs = pairsOf(groupsOf(a), groupsOf(b));
  const series = a.kind === "run" && b.kind === "run" ? await compareRuns(a, b) : [];
  const compared = [
    ...series,
    ...pairs.matched.flatMap(([left, right]) => compareGroups(left, right, a.kind === "study")),
  ];
  const isMeant = (metric: string) => metrics.length === 0 || metrics.some((path) => metric.startsWith(path));
  const comparisons = compared.filter(({ metric }) => isMeant(metric));
  if (comparisons.length === 0)
    throw new UsageError(
      compared.length === 0
        ? "A and B have no number in common"
        : `no number that A and B have in common begins with ${metrics.join(" or ")}`,
    );
  const judged = comparisons.filter(({ verdict }) => verdict !== "too few samples");
  const settings = whatDiffers(await settingsOf(a), await settingsOf(b));
  return {
    schema: COMPARE_SCHEMA,
    a: sideOf(a),
    b: sideOf(b),
    settings,
    warnings: [...(await warningsOf(a, b, settings)), ...pairs.alone],
    comparisons,
    judged: judged.length,
    different: judged.filter(({ verdict }) => verdict !== "no difference seen").length,
  };
}

async function warningsOf(a: ReportSource, b: ReportSource, settings: readonly Setting[]): Promise<string[]> {
  const machines = whatDiffers(await factsOf(a), await factsOf(b));
  const [left, right] = [sideOf(a).experiment, sideOf(b).experiment];
  const named = machines.map(({ path, a: one, b: other }) => `${path} ${one ?? "unknown"} and ${other ?? "unknown"}`);
  const mode = settings.find(({ path }) => path === "mode");
  return [
    ...(left === right ? [] : [`these are different experiments: ${left} and ${right}`]),
    ...(mode === undefined ? [] : ["one is simulated and the other is not: their times have no common unit"]),
    ...(named.length === 0 ? [] : [`the machines differ (${named.join("; ")}): so may every time`]),
  ];
}

interface Pairs {
  readonly matched: readonly (readonly [Group, Group])[];
  /** Sentences about those that have no counterpart. */
  readonly alone: readonly string[];
}

/** Cells of the same values; where both have but one, these. */
function pairsOf(a: readonly Group[], b: readonly Group[]): Pairs {
  const [onlyA] = a;
  const [onlyB] = b;
  if (a.length === 1 && b.length === 1 && onlyA !== undefined && onlyB !== undefined)
    return { matched: [[onlyA, onlyB]], alone: [] };
  const matched = a.flatMap((left) => {
    const right = b.find(({ key }) => key === left.key);
    return right === undefined ? [] : [[left, right] as const];
  });
  const alone = (side: string, groups: readonly Group[], others: readonly Group[]) => {
    const names = groups.filter(({ key }) => !others.some((other) => other.key === key)).map(({ name }) => name);
    return names.length === 0 ? [] : [`only ${side} has ${names.length} of the cells: ${names.join("; ")}`];
  };
  return { matched, alone: [...alone("A", a, b), ...alone("B", b, a)] };
}

function compareGroups(a: Group, b: Group, named: boolean): ComparedMetric[] {
  const isPaired = a.seeds.length > 1 && a.seeds.join() === b.seeds.join();
  return [...a.samples].flatMap(([metric, left]) => {
    const right = b.samples.get(metric);
    if (right === undefined) return [];
    const whole = isPaired && !left.includes(null) && !right.includes(null);
    const [ofA, ofB] = [left, right].map((values) => values.filter((value) => value !== null));
    if (ofA === undefined || ofB === undefined || ofA.length === 0 || ofB.length === 0) return [];
    return {
      ...(named ? { cell: a.name } : {}),
      ...{ metric, over: "repetitions" as const, samples: { a: ofA.length, b: ofB.length }, paired: whole },
      ...compareSamples(ofA, ofB, whole),
    };
  });
}

/** The latencies of two single runs, over intervals of time. */
async function compareRuns(a: RunSource, b: RunSource): Promise<ComparedMetric[]> {
  const [left, right] = [await a.run.latencies(), await b.run.latencies()];
  if (left === undefined || right === undefined) return [];
  return Object.keys(left.series.points).flatMap((name) =>
    (["p50Us", "p99Us"] as const).flatMap((statistic) => {
      const [ofA, ofB] = [left, right].map((latencies) => seriesOf(latencies, name, statistic));
      if (ofA === undefined || ofB === undefined || ofA.length === 0 || ofB.length === 0) return [];
      const { a: one, b: other, interval } = compareBlocks(ofA, ofB);
      return {
        ...{ metric: `series.${name}.${statistic}`, over: "intervals" as const, paired: false },
        samples: { a: ofA.length, b: ofB.length },
        ...describe(one, other, other - one, interval),
      };
    }),
  );
}

function seriesOf({ series }: ReadLatencies, name: string, statistic: "p50Us" | "p99Us") {
  return (series.points[name] ?? []).map((point) => ({ value: point[statistic], weight: point.count }));
}

function sideOf(source: ReportSource): Side {
  const { kind, folder } = source;
  if (source.kind === "study") return { folder, kind, experiment: source.summary.experiment };
  const run = source.kind === "run" ? source.run : source.runs[0];
  return { folder, kind, experiment: run?.result.experiment ?? "" };
}
