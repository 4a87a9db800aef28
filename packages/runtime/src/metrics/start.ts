import type { Clock } from "../clock.js";
import type { Logger } from "../logger.js";
import type { CollectMetrics } from "./metric.js";

export interface MetricsOptions {
  /** host:port where GET /metrics answers. */
  readonly listen?: string;
  /** Base URL of an OTLP/HTTP endpoint that metrics are pushed to. */
  readonly otlpEndpoint?: string;
  readonly otlpIntervalMs?: number;
}

export interface RunningMetrics {
  stop(): Promise<void>;
}

/** What tells services of one kind apart: `cpu2`. */
export interface MetricsSource {
  readonly host: string;
  readonly source: string;
  readonly collect: CollectMetrics;
}

/** Serves and pushes metrics as far as the options say; with none of them nothing is loaded. Rejects when it cannot listen. */
export async function startMetrics(
  options: MetricsOptions,
  source: MetricsSource,
  clock: Clock,
  logger: Logger,
): Promise<RunningMetrics> {
  const running: RunningMetrics[] = [];
  if (options.listen !== undefined) {
    const { serveMetrics } = await import("./prometheus.js");
    running.push(await serveMetrics(options.listen, source.collect));
  }
  if (options.otlpEndpoint !== undefined) {
    const { pushMetrics } = await import("./otlp.js");
    running.push(pushMetrics({ ...options, endpoint: options.otlpEndpoint, source, clock, logger }));
  }
  return {
    async stop() {
      for (const part of running) await part.stop();
    },
  };
}
