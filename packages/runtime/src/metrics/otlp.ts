/** Metrics pushed to an OpenTelemetry collector: OTLP/HTTP with JSON, POST <endpoint>/v1/metrics. */
import type { Clock, Timer } from "../clock.js";
import type { Logger } from "../logger.js";
import type { Metric } from "./metric.js";
import type { MetricsSource, RunningMetrics } from "./start.js";

const INTERVAL_MS = 10_000;
const PUSH_TIMEOUT_MS = 2000;
/** AGGREGATION_TEMPORALITY_CUMULATIVE */
const CUMULATIVE = 2;

export interface PushOptions {
  readonly endpoint: string;
  readonly otlpIntervalMs?: number;
  readonly source: MetricsSource;
  readonly clock: Clock;
  readonly logger: Logger;
}

export function pushMetrics(options: PushOptions): RunningMetrics {
  const { clock, logger, source, otlpIntervalMs = INTERVAL_MS } = options;
  const url = `${options.endpoint.replace(/\/$/, "")}/v1/metrics`;
  const startUs = clock.wallUs();
  let timer: Timer | undefined;
  let isStopped = false;
  let isFailing = false;
  const push = async (): Promise<void> => {
    const body = JSON.stringify(exportRequest(source, startUs, clock.wallUs()));
    try {
      const answer = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body,
        signal: AbortSignal.timeout(PUSH_TIMEOUT_MS),
      });
      if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
      isFailing = false;
    } catch (error) {
      // Once, not at every push: whoever collects may be away for long.
      if (!isFailing) logger.warn({ err: error }, "metrics cannot be pushed");
      isFailing = true;
    }
  };
  const again = (): void => {
    if (isStopped) return;
    timer = clock.after(otlpIntervalMs, () => void push().then(again));
  };
  again();
  return {
    async stop() {
      isStopped = true;
      timer?.cancel();
      await push();
    },
  };
}

/** ExportMetricsServiceRequest of opentelemetry-proto, in its JSON form: 64-bit integers are strings. */
export function exportRequest({ host, source, collect }: MetricsSource, startUs: number, nowUs: number): object {
  const attribute = (key: string, text: string) => ({ key, value: { stringValue: text } });
  const times = { startTimeUnixNano: `${startUs}000`, timeUnixNano: `${nowUs}000` };
  const metricOf = ({ name, help, kind, points }: Metric): object => {
    const dataPoints = points.map(({ labels, value }) => ({
      ...times,
      asDouble: value,
      attributes: Object.entries(labels).map(([key, text]) => attribute(key, text)),
    }));
    const data =
      kind === "gauge"
        ? { gauge: { dataPoints } }
        : { sum: { aggregationTemporality: CUMULATIVE, isMonotonic: true, dataPoints } };
    return { name, description: help, ...data };
  };
  return {
    resourceMetrics: [
      {
        resource: {
          attributes: [
            attribute("service.name", "vmcslab"),
            attribute("service.namespace", host),
            attribute("service.instance.id", source),
          ],
        },
        scopeMetrics: [{ scope: { name: "vmcslab" }, metrics: collect().map(metricOf) }],
      },
    ],
  };
}
