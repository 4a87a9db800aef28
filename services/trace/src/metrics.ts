import { labelled, type Metric, type traceWire } from "@vmcslab/runtime";

/** Numbers of a source, over all its lives. */
const SOURCE_METRICS = {
  published: "Events that a source is known to have published.",
  stored: "Events of a source that are stored.",
  lost: "Events missing from a source's sequence.",
  duplicates: "Events of a source that arrived again.",
} as const;

const UNENDED = {
  name: "vmcslab_trace_lives_without_end",
  help: "Lives of a source that never stated where their events end, though another life followed: they were killed.",
} as const;

export function traceMetrics({ kinds, sources }: traceWire.GetCountsResponse): Metric[] {
  const perSource = Object.entries(SOURCE_METRICS).map(([name, help]): Metric => {
    const sums = new Map<string, { labels: { of_host: string; source: string }; value: number }>();
    for (const count of sources) {
      const key = `${count.host}.${count.source}`;
      const sum = sums.get(key) ?? { labels: { of_host: count.host, source: count.source }, value: 0 };
      sum.value += Number(numberNamed(count, name));
      sums.set(key, sum);
    }
    return { name: `vmcslab_trace_${name}_total`, help, kind: "counter", points: [...sums.values()] };
  });
  const { name, help } = UNENDED;
  const unended = new Map(sources.map(({ host, source }) => [`${host}.${source}`, { host, source, value: 0 }]));
  for (const life of sources) {
    const point = unended.get(`${life.host}.${life.source}`);
    if (point !== undefined && !life.ended && isFollowed(life, sources)) point.value++;
  }
  const points = [...unended.values()].map(({ host, source, value }) => ({ labels: { of_host: host, source }, value }));
  const stored = kinds.map(({ kind, stored }): [string, number] => [kind, Number(stored)]);
  const abrupt: Metric = { name, help, kind: "gauge", points };
  return [
    ...perSource,
    abrupt,
    labelled("counter", "vmcslab_trace_events_total", "Stored events per kind.", "kind", stored),
  ];
}

function isFollowed(
  { host, source, incarnation }: traceWire.SourceCount,
  sources: readonly traceWire.SourceCount[],
): boolean {
  return sources.some((later) => later.host === host && later.source === source && later.incarnation > incarnation);
}

function numberNamed(count: traceWire.SourceCount, name: string): bigint {
  const { published, stored, lost, duplicates } = count;
  return new Map(Object.entries({ published, stored, lost, duplicates })).get(name) ?? 0n;
}
