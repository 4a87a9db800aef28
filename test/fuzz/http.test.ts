import { connect, createServer } from "node:net";
import { startMetrics, startProxy, systemClock } from "@vmcslab/runtime";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runs, SEED, timeout } from "./effort.js";

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const HTTP_STATUS = /^HTTP\/1\.1 (\d{3}) /;
/** A service waits no longer for the rest of a request. */
const SLOW_MS = 12_000;

const stops: (() => unknown)[] = [];
let control: number;
let metrics: number;
let link: number;

beforeAll(async () => {
  [control, metrics, link] = [await freePort(), await freePort(), await freePort()];
  const target = { host: "127.0.0.1", port: await freePort() };
  const links = [{ name: "cpu0", listen: { host: "127.0.0.1", port: link }, target }];
  const proxy = await startProxy({ links, control: { host: "127.0.0.1", port: control }, clock: systemClock });
  stops.push(() => proxy.stop());
  const source = { host: "h", source: "l0", collect: () => [] };
  const served = await startMetrics({ listen: `127.0.0.1:${metrics}` }, source, systemClock, silent);
  stops.push(() => served.stop());
});

afterAll(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

const METHODS = ["GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS", "TRACE", "PATCH", "BREW", "CONNECT", "get", ""];
const PATHS = [
  ...[
    "/",
    "/links",
    "/links/cpu0",
    "/links/cpu0/reset",
    "/links/cpu0/reset/more",
    "/links/cpu9",
    "/healthz",
    "/metrics",
    "*",
    "//",
    "",
  ],
  ...[
    "/links/__proto__",
    "/links/cpu0?x=y",
    "/%",
    "/links/%00",
    "http://elsewhere/links",
    `/${"a".repeat(20_000)}`,
    "/links/cpu0/constructor",
  ],
];
const BODIES = [
  ...[
    "",
    "{}",
    "null",
    "[]",
    "1",
    '"x"',
    "{",
    '{"latencyMs":5}',
    '{"latencyMs":-1}',
    '{"latencyMs":1e999}',
    '{"latencyMs":"5"}',
  ],
  ...[
    '{"forMs":600001}',
    '{"forMs":0}',
    '{"blackhole":1}',
    '{"refuse":true,"forMs":1}',
    '{"__proto__":{"latencyMs":1}}',
    '{"constructor":1}',
  ],
  ...["[".repeat(9000), "x".repeat(10_001), "x".repeat(3_000_000), "\u0000\u0001"],
];
const request = fc
  .record({
    method: fc.constantFrom(...METHODS),
    path: fc.constantFrom(...PATHS),
    body: fc.constantFrom(...BODIES),
    header: fc.constantFrom(
      "",
      "Transfer-Encoding: chunked\r\n",
      "Content-Length: -1\r\n",
      "Expect: 100-continue\r\n",
      "Upgrade: h2c\r\nConnection: Upgrade\r\n",
      `X: ${"y".repeat(20_000)}\r\n`,
      "no colon\r\n",
    ),
    lengthOff: fc.constantFrom(0, 0, 0, -1, 7),
  })
  .map(({ method, path, body, header, lengthOff }) => {
    const length = `Content-Length: ${Math.max(0, Buffer.byteLength(body) + lengthOff)}\r\n`;
    return Buffer.from(`${method} ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${header}${length}\r\n${body}`);
  });
const bytes = fc.oneof(
  { weight: 6, arbitrary: request },
  fc.uint8Array({ maxLength: 500 }).map((random) => Buffer.from(random)),
);

describe("whatever is sent over HTTP", () => {
  test.each([
    ["the control of links", () => control, "/links"],
    ["metrics", () => metrics, "/metrics"],
  ] as const)(
    "to %s, is answered with a status, and the next request is served",
    async (_, port, path) => {
      await fc.assert(
        fc.asyncProperty(bytes, async (sent) => {
          const answer = await exchange(port(), sent);
          // Nothing, when what was sent asks for no answer.
          if (answer !== "") expect(Number(HTTP_STATUS.exec(answer)?.[1])).toBeLessThan(500);
        }),
        { seed: SEED, numRuns: runs(150), endOnFailure: true },
      );
      const good = await exchange(port(), Buffer.from(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`));
      expect(good).toMatch(/^HTTP\/1\.1 200 /);
    },
    timeout(60_000),
  );

  test("a body that never ends is not waited for", async () => {
    const head = "PUT /links/cpu0 HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{";
    const [asked, unasked] = await Promise.all([
      exchange(control, Buffer.from(head), SLOW_MS),
      exchange(metrics, Buffer.from(head), SLOW_MS),
    ]);
    expect(asked).toMatch(/^HTTP\/1\.1 408 /);
    expect(unasked).toMatch(/^HTTP\/1\.1 404 /);
  });

  test("a body that is too long is refused before it has arrived", async () => {
    const head = "PUT /links/cpu0 HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n";
    const answer = await exchange(control, Buffer.from(head + "x".repeat(20_000)), SLOW_MS);
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer).toContain("more than 10000 characters");
  });
});

/** Sends, and gives what came back until the other side closed the connection. */
function exchange(port: number, sent: Buffer, timeoutMs = 3000): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    let back = "";
    const finish = (): void => {
      late.cancel();
      socket.destroy();
      resolve(back);
    };
    const late = systemClock.after(timeoutMs, finish);
    socket.on("data", (chunk) => {
      back += String(chunk);
      // Random bytes may be the beginning of something; what is answered is enough.
      if (HTTP_STATUS.test(back) && timeoutMs < SLOW_MS) finish();
    });
    socket.on("error", finish);
    socket.on("close", finish);
    socket.write(sent);
    if (timeoutMs < SLOW_MS) socket.end();
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("a TCP server has a port");
  return address.port;
}
