import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { systemClock } from "../clock.js";
import { counter, gauge, labelled, type Metric } from "./metric.js";
import { type RunningMetrics, startMetrics } from "./start.js";

const warnings: string[] = [];
const logger = {
  debug: () => {},
  info: () => {},
  error: () => {},
  warn: (_: object, text: string) => warnings.push(text),
};
const stops: (() => unknown)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
  warnings.length = 0;
});

async function start(options: Parameters<typeof startMetrics>[0], collect: () => Metric[]): Promise<RunningMetrics> {
  const source = { host: "h", source: "l0", collect };
  const metrics = await startMetrics(options, source, systemClock, logger);
  stops.push(() => metrics.stop());
  return metrics;
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stops.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listening(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe("metrics", () => {
  test("GET /metrics answers with the values of now, labels and those of the process", async () => {
    const port = await freePort();
    let events = 3;
    await start({ listen: `127.0.0.1:${port}` }, () => [
      counter("vmcslab_events_published_total", "Events.", events),
      gauge("vmcslab_bus_connected", "Bus.", 1),
      labelled("gauge", "vmcslab_l0_cpus", "CPUs.", "state", events === 3 ? [] : [["online", 2]]),
    ]);
    const scrape = async () => await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    expect(await scrape()).toContain("vmcslab_events_published_total 3\n");
    events = 5;
    const text = await scrape();
    expect(text).toContain("# TYPE vmcslab_events_published_total counter\nvmcslab_events_published_total 5\n");
    expect(text).toContain("vmcslab_bus_connected 1\n");
    expect(text).toContain('vmcslab_l0_cpus{state="online"} 2\n');
    expect(text).toContain("process_cpu_seconds_total");
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(404);
  });

  test("a port that is taken is an error that names it", async () => {
    const port = await listening(createServer());
    await expect(start({ listen: `127.0.0.1:${port}` }, () => [])).rejects.toThrow(
      `cannot listen on 127.0.0.1:${port}: `,
    );
  });

  test("are pushed as OTLP/HTTP JSON, also at the end; a collector that is away is said once", async () => {
    const bodies: unknown[] = [];
    const collector = createServer((request, response) => {
      let text = "";
      request.on("data", (chunk) => {
        text += String(chunk);
      });
      request.on("end", () => {
        bodies.push({ url: request.url, body: JSON.parse(text) });
        response.end("{}");
      });
    });
    const port = await listening(collector);
    const metrics = await start({ otlpEndpoint: `http://127.0.0.1:${port}/`, otlpIntervalMs: 20 }, () => [
      labelled("counter", "vmcslab_trace_events_total", "Events.", "kind", [["vmx.on", 4]]),
    ]);
    await expect.poll(() => bodies.length).toBeGreaterThan(1);
    expect(bodies[0]).toMatchObject({
      url: "/v1/metrics",
      body: {
        resourceMetrics: [
          {
            scopeMetrics: [
              {
                metrics: [
                  {
                    name: "vmcslab_trace_events_total",
                    sum: {
                      isMonotonic: true,
                      aggregationTemporality: 2,
                      dataPoints: [{ asDouble: 4, attributes: [{ key: "kind", value: { stringValue: "vmx.on" } }] }],
                    },
                  },
                ],
              },
            ],
          },
        ],
      },
    });
    collector.close();
    collector.closeAllConnections();
    await expect.poll(() => warnings).toEqual(["metrics cannot be pushed"]);
    await systemClock.sleep(60);
    await metrics.stop();
    expect(warnings).toHaveLength(1);
  });

  test("with no options nothing is started", async () => {
    await start({}, () => {
      throw new Error("nobody asked");
    });
  });
});
