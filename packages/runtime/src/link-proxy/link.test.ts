import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../clock.js";
import { Link } from "./link.js";
import { NO_FAULTS, parseLinkFaults } from "./link-faults.js";

let echo: Server;
let link: Link;
let port: number;
const sockets: Socket[] = [];

beforeEach(async () => {
  echo = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => echo.listen(0, "127.0.0.1", resolve));
  port = await freePort();
  const target = { host: "127.0.0.1", port: portOf(echo) };
  link = new Link({ name: "cpu0", listen: { host: "127.0.0.1", port }, target, clock: systemClock });
  await link.start();
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await link.stop();
  await new Promise((resolve) => echo.close(resolve));
});

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const free = portOf(server);
  await new Promise((resolve) => server.close(resolve));
  return free;
}

async function client(): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  sockets.push(socket);
  socket.on("error", () => undefined);
  await new Promise((resolve) => socket.once("connect", resolve));
  return socket;
}

/** Sends, and ends with what came back by then and how long it took. */
async function exchange(socket: Socket, text: string, timeoutMs = 2000): Promise<{ text: string; ms: number }> {
  const start = systemClock.monoNs();
  let back = "";
  socket.on("data", (chunk) => {
    back += String(chunk);
  });
  socket.write(text);
  while (back.length < text.length && (systemClock.monoNs() - start) / 1e6 < timeoutMs) await systemClock.sleep(2);
  return { text: back, ms: (systemClock.monoNs() - start) / 1e6 };
}

const closed = (socket: Socket) => new Promise<void>((resolve) => socket.once("close", () => resolve()));

describe("a link", () => {
  test("without faults passes everything on", async () => {
    const text = "x".repeat(300_000);
    expect((await exchange(await client(), text)).text).toBe(text);
  });

  test("that is slow delays each way, keeps the order, and heals by itself", async () => {
    link.setFaults({ ...NO_FAULTS, latencyMs: 60, jitterMs: 20 }, 400);
    const socket = await client();
    const { text, ms } = await exchange(socket, "abc");
    expect(text).toBe("abc");
    expect(ms).toBeGreaterThanOrEqual(118);
    await expect.poll(() => link.faults).toEqual(NO_FAULTS);
  });

  test("that is a black hole answers nothing and closes nothing; healing resets it", async () => {
    const socket = await client();
    link.setFaults({ ...NO_FAULTS, blackhole: true });
    expect((await exchange(socket, "lost", 150)).text).toBe("");
    expect(socket.destroyed).toBe(false);
    const reset = closed(socket);
    link.setFaults(NO_FAULTS);
    await reset;
    expect((await exchange(await client(), "back")).text).toBe("back");
  });

  test("that refuses resets new connections and leaves old ones", async () => {
    const old = await client();
    await exchange(old, "1");
    link.setFaults({ ...NO_FAULTS, refuse: true });
    await closed(connect(port, "127.0.0.1").on("error", () => undefined));
    expect((await exchange(old, "2")).text).toContain("2");
  });

  test("whose target is gone resets", async () => {
    await new Promise((resolve) => echo.close(resolve));
    await closed(connect(port, "127.0.0.1").on("error", () => undefined));
  });
});

describe("faults as a client sends them", () => {
  test("are off unless said, and refused when misspelt or out of range", () => {
    expect(parseLinkFaults({})).toEqual({ ...NO_FAULTS, forMs: undefined });
    expect(parseLinkFaults({ latencyMs: 5, forMs: 10 })).toMatchObject({ latencyMs: 5, forMs: 10 });
    expect(() => parseLinkFaults({ latency: 5 })).toThrow('"latency" is no fault: there are latencyMs,');
    expect(() => parseLinkFaults({ latencyMs: -1 })).toThrow("latencyMs is a number of milliseconds");
    expect(() => parseLinkFaults({ blackhole: "yes" })).toThrow("blackhole is true or false");
  });
});

test("bytes keep their order while delays come, shrink and end", async () => {
  const socket = await client();
  let back = "";
  socket.on("data", (chunk) => {
    back += String(chunk);
  });
  let sent = "";
  for (let round = 0; round < 120; round++) {
    link.setFaults(round % 3 === 2 ? NO_FAULTS : { ...NO_FAULTS, latencyMs: 6 - (round % 5), jitterMs: 3 });
    const text = `${round},`;
    sent += text;
    socket.write(text);
    await systemClock.sleep(1);
  }
  await expect.poll(() => back.length, { timeout: 5000 }).toBe(sent.length);
  expect(back).toBe(sent);
});
