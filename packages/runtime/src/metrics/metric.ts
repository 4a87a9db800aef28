/** One thing that is counted or gauged, with its values now. Names are Prometheus': `vmcslab_…`, counters end in `_total`. */
export interface Metric {
  readonly name: string;
  readonly help: string;
  readonly kind: "counter" | "gauge";
  readonly points: readonly MetricPoint[];
}

export interface MetricPoint {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Asked at every scrape and push. */
export type CollectMetrics = () => readonly Metric[];

export function counter(name: string, help: string, value: number): Metric {
  return { name, help, kind: "counter", points: [{ labels: {}, value }] };
}

export function gauge(name: string, help: string, value: number): Metric {
  return { name, help, kind: "gauge", points: [{ labels: {}, value }] };
}

/** One metric with a value per label. */
export function labelled(
  kind: Metric["kind"],
  name: string,
  help: string,
  label: string,
  values: Iterable<readonly [string, number]>,
): Metric {
  const points = [...values].map(([name, value]) => ({ labels: { [label]: name }, value }));
  return { name, help, kind, points };
}
