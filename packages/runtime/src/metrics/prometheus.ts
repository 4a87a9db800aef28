/** GET /metrics, as Prometheus scrapes it: ours, and those of the process. */
import { createServer, type RequestListener, type Server } from "node:http";
import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import { bounded, HTTP_OPTIONS } from "../http-bounds.js";
import type { CollectMetrics, Metric } from "./metric.js";
import type { RunningMetrics } from "./start.js";

export async function serveMetrics(listen: string, collect: CollectMetrics): Promise<RunningMetrics> {
  const exposition = new Exposition(collect);
  const answer: RequestListener = (request, response) => {
    if (request.method !== "GET" || request.url?.split("?")[0] !== "/metrics") {
      response.writeHead(404).end("GET /metrics\n");
      return;
    }
    exposition.text().then(
      (text) => response.writeHead(200, { "content-type": exposition.contentType }).end(text),
      (error: unknown) => response.writeHead(500).end(`${String(error)}\n`),
    );
  };
  const server = bounded(createServer(HTTP_OPTIONS, answer));
  await listening(server, listen);
  return {
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

class Exposition {
  readonly #registry = new Registry();
  readonly #known = new Map<string, Counter | Gauge>();
  readonly #collect: CollectMetrics;

  constructor(collect: CollectMetrics) {
    this.#collect = collect;
    collectDefaultMetrics({ register: this.#registry });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    for (const metric of this.#collect()) {
      const shown = this.#shown(metric);
      shown.reset();
      for (const { labels, value } of metric.points) shown.inc(labels, value);
    }
    return this.#registry.metrics();
  }

  #shown({ name, help, kind, points }: Metric): Counter | Gauge {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const labelNames = [...new Set(points.flatMap(({ labels }) => Object.keys(labels)))];
    const options = { name, help, labelNames, registers: [this.#registry] };
    const made = kind === "counter" ? new Counter(options) : new Gauge(options);
    // Which labels a metric has is known with its first value.
    if (points.length > 0) this.#known.set(name, made);
    else this.#registry.removeSingleMetric(name);
    return made;
  }
}

function listening(server: Server, address: string): Promise<void> {
  const host = address.slice(0, address.lastIndexOf(":")).replace(/^\[(.*)\]$/, "$1");
  const port = Number(address.slice(address.lastIndexOf(":") + 1));
  return new Promise((resolve, reject) => {
    server.once("error", (error) => reject(new Error(`cannot listen on ${address}: ${error.message}`)));
    server.listen(port, host, resolve);
  });
}
