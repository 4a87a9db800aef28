import { Client, credentials } from "@grpc/grpc-js";
import { afterEach, describe, expect, test } from "vitest";
import { checkHealth } from "../client/health-client.js";
import { systemClock } from "../clock.js";
import { InvalidMessage } from "../codec/invalid-message.js";
import { EventSourceServiceService as EventSource, type FlushEventsResponse } from "../generated/vmcslab/v1/source.js";
import { UnaryCaller } from "./call.js";
import { OperationRefused } from "./rpc-error.js";
import { type RunningServer, serve } from "./serve.js";
import { served } from "./served.js";
import { UnaryHandlers } from "./unary.js";

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const POSITION: FlushEventsResponse = {
  host: "h",
  source: "l0",
  incarnation: 1n,
  published: 0n,
  dropped: 0n,
  complete: true,
};

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

/** A server with one RPC that runs `answer`. */
async function serverWith(answer: () => FlushEventsResponse | Promise<FlushEventsResponse>): Promise<RunningServer> {
  const handlers = new UnaryHandlers(silent);
  const server = await serve({
    listen: "127.0.0.1:0",
    services: [served("vmcslab.v1.EventSourceService", EventSource, { flushEvents: handlers.handle(answer) })],
    clock: systemClock,
    drained: () => handlers.drained(),
  });
  stops.push(() => server.stop());
  return server;
}

function caller(server: RunningServer): UnaryCaller {
  const made = new UnaryCaller(server.address);
  stops.push(() => made.close());
  return made;
}

/** One request of server reflection v1, as bytes: list_services "*". The names are in the answer's bytes. */
function listServices(address: string): Promise<string> {
  const client = new Client(address, credentials.createInsecure());
  stops.push(() => client.close());
  const same = (bytes: Buffer): Buffer => bytes;
  const path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
  const stream = client.makeBidiStreamRequest<Buffer, Buffer>(path, same, same);
  return new Promise((resolve, reject) => {
    stream.once("data", (bytes: Buffer) => resolve(bytes.toString("latin1")));
    stream.once("error", reject);
    stream.end(Buffer.from([0x3a, 0x01, 0x2a]));
  });
}

describe("a server", () => {
  test("says NOT_SERVING until it is told that it is ready, and while it stops", async () => {
    const server = await serverWith(() => POSITION);
    expect(await checkHealth(server.address)).toBe("NOT_SERVING");
    server.setServing(true);
    expect(await checkHealth(server.address)).toBe("SERVING");
    await server.stop();
    expect(await checkHealth(server.address, 300)).toBe("UNREACHABLE");
  });

  test("lists its services, and health, by reflection", async () => {
    const server = await serverWith(() => POSITION);
    const names = await listServices(server.address);
    expect(names).toContain("vmcslab.v1.EventSourceService");
    expect(names).toContain("grpc.health.v1.Health");
    expect(names).not.toContain("vmcslab.v1.CpuService");
  });

  test("answers what handlers throw with a status that says whether it is definite", async () => {
    const errors: unknown[] = [
      new InvalidMessage("no such thing"),
      new OperationRefused({ code: "deadline", definite: false, message: "CPU 1 is silent" }),
      new Error("a bug"),
    ];
    const server = await serverWith(() => {
      throw errors.shift();
    });
    const calls = caller(server);
    const call = () => calls.call(EventSource.flushEvents, {}, () => undefined);
    expect(await call()).toEqual({
      ok: false,
      error: { code: "invalidArgument", definite: true, message: "no such thing" },
    });
    expect(await call()).toEqual({
      ok: false,
      error: { code: "deadline", definite: false, message: "CPU 1 is silent" },
    });
    expect(await call()).toEqual({
      ok: false,
      error: { code: "unexpectedOutcome", definite: false, message: "internal error, see the service's log" },
    });
  });

  test("lets a handler that runs finish before it stops", async () => {
    const server = await serverWith(async () => {
      await systemClock.sleep(200);
      return POSITION;
    });
    const answer = caller(server).call(EventSource.flushEvents, {}, ({ complete }) => complete);
    await systemClock.sleep(50);
    await server.stop();
    expect(await answer).toEqual({ ok: true, value: true });
  });

  test("refuses new calls, definitely, while those that run go on", async () => {
    const handlers = new UnaryHandlers(silent);
    let finish = (_: FlushEventsResponse): void => {};
    const flushEvents = handlers.handle(() => new Promise<FlushEventsResponse>((resolve) => (finish = resolve)));
    const server = await serve({
      listen: "127.0.0.1:0",
      services: [served("vmcslab.v1.EventSourceService", EventSource, { flushEvents })],
      clock: systemClock,
      drained: () => handlers.drained(),
    });
    stops.push(() => server.stop());
    const calls = caller(server);
    const call = () => calls.call(EventSource.flushEvents, {}, ({ complete }) => complete);
    const running = call();
    await systemClock.sleep(100);
    handlers.refuse("L0 is stopping");
    expect(await call()).toEqual({
      ok: false,
      error: { code: "stopping", definite: true, message: "L0 is stopping" },
    });
    finish(POSITION);
    expect(await running).toEqual({ ok: true, value: true });
  });

  test("stops within its bound when a handler never ends", async () => {
    const server = await serverWith(() => new Promise(() => undefined));
    const answer = caller(server).call(EventSource.flushEvents, {}, () => undefined);
    await systemClock.sleep(50);
    const startNs = systemClock.monoNs();
    await server.stop();
    expect((systemClock.monoNs() - startNs) / 1e6).toBeLessThan(2500);
    expect(await answer).toMatchObject({ ok: false, error: { code: "cpuUnavailable", definite: false } });
  });

  test("says where it cannot listen", async () => {
    const server = await serverWith(() => POSITION);
    const again = serve({ listen: server.address, services: [], clock: systemClock, drained: () => Promise.resolve() });
    await expect(again).rejects.toThrow(`cannot listen on ${server.address}`);
  });
});
