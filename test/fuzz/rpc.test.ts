import type { DescMethod } from "@bufbuild/protobuf";
import { systemClock } from "@vmcslab/runtime";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { ConnectRequest } from "../../packages/runtime/src/generated/vmcslab/v1/interconnect.js";
import { kept } from "./corpus.js";
import { runs, SEED, timeout } from "./effort.js";
import { FuzzedHost } from "./fuzzed-host.js";
import { type Ended, RawClient } from "./raw-client.js";
import { framesOf, inputsOf } from "./rpc-inputs.js";
import { pathOf, serviceNamed, services } from "./services.js";

const AT_ONCE = 12;
const MALFORMED = Buffer.from([0xfa, 0x51]);
/** That the service has a bug, or did not answer at all. */
const NEVER = ["INTERNAL", "UNKNOWN", "DEADLINE_EXCEEDED", "CANCELLED", "DATA_LOSS"];
const REFUSED = ["INVALID_ARGUMENT", "NOT_FOUND"];
/** Answered with a host that is no more. */
const ENDS_THE_HOST = "CrashClearAll";

let host: FuzzedHost;

beforeAll(async () => {
  host = await FuzzedHost.start();
  // What any service keeps when it has seen much of everything: code that was compiled, buffers of streams.
  for (const { address, method } of targets()) await send(address, method, sample(method, 20, SEED + 1));
  await host.isWell();
  host.measure();
}, timeout(90_000));

afterAll(() => host.stop());

interface Target {
  readonly address: string;
  readonly where: string;
  readonly method: DescMethod;
}

const SERVED: Readonly<Record<string, readonly string[]>> = {
  CpuService: ["lone", "cpu0"],
  InterconnectService: ["cpu0"],
  L0Service: ["l0"],
  EventSourceService: ["lone", "l0"],
  FaultService: ["lone", "cpu0", "l0"],
  TraceService: ["trace"],
};

function addressOf(where: string): string {
  const { lone, l0, trace, cpus } = host;
  const found = new Map([
    ["lone", lone],
    ["l0", l0],
    ["trace", trace],
    ["cpu0", cpus[0]],
  ]).get(where);
  if (found === undefined) throw new Error(`no service ${where}`);
  return found.address;
}

function targets(): Target[] {
  return services().flatMap((service) =>
    (SERVED[service.name] ?? []).flatMap((where) =>
      service.methods
        .filter(({ name }) => name !== ENDS_THE_HOST)
        .map((method) => ({ address: addressOf(where), where, method })),
    ),
  );
}

function sample(method: DescMethod, numRuns: number, seed: number): Uint8Array[] {
  return fc.sample(inputsOf(method), { numRuns, seed });
}

async function send(address: string, method: DescMethod, inputs: readonly Uint8Array[]): Promise<void> {
  const client = new RawClient(address);
  for (let at = 0; at < inputs.length; at += AT_ONCE) {
    const some = inputs.slice(at, at + AT_ONCE);
    const answers = await Promise.all(some.map((bytes) => ask(client, method, bytes)));
    for (const [index, answer] of answers.entries()) isAnAnswer(answer, method, some[index]);
  }
  client.close();
}

function ask(client: RawClient, method: DescMethod, bytes: Uint8Array): Promise<Ended> {
  switch (method.methodKind) {
    case "unary":
      return client.call(pathOf(method), bytes);
    case "server_streaming":
      return client.read(pathOf(method), bytes);
    default:
      return client.converse(pathOf(method), [bytes]);
  }
}

function isAnAnswer({ status, details }: Ended, method: DescMethod, bytes: Uint8Array | undefined): void {
  const input = Buffer.from(bytes ?? []).toString("hex");
  expect(NEVER, `${pathOf(method)} ${details} ${input.slice(0, 2000)} (FUZZ_SEED=${SEED})`).not.toContain(status);
  expect(details.length, pathOf(method)).toBeLessThan(1000);
}

const keptCall = z.object({ to: z.string(), path: z.string(), messages: z.array(z.string()), status: z.string() });

describe("what once did harm", () => {
  test.each(kept("rpc"))("$file is refused, and every service goes on", async ({ bytes }) => {
    const { to, path, messages, status } = keptCall.parse(JSON.parse(String(bytes)));
    const method = services()
      .flatMap((service) => service.methods)
      .find((candidate) => pathOf(candidate) === path);
    if (method === undefined) throw new Error(`no method ${path}`);
    const inputs = messages.map((hex) => Buffer.from(hex, "hex"));
    const isRaid = to === "raided";
    const client = new RawClient(isRaid ? host.raided.cpu.address : addressOf(to));
    const ended =
      method.methodKind === "bidi_streaming"
        ? await client.converse(path, isRaid ? [hello(), ...inputs] : inputs)
        : await ask(client, method, inputs[0] ?? Buffer.alloc(0));
    client.close();
    expect(ended).toMatchObject({ status });
    await host.isWell();
  });
});

describe("whatever is sent to a service", () => {
  test(
    "is answered with a status that fits, and every service goes on",
    async () => {
      for (const { address, method } of targets()) await send(address, method, sample(method, runs(24), SEED));
      await host.isWell();
    },
    timeout(120_000),
  );

  test(
    "and is refused, changes nothing",
    async () => {
      let refused = 0;
      for (const { address, method } of targets().filter(({ where }) => where === "l0" || where === "lone")) {
        const client = new RawClient(address);
        for (const bytes of sample(method, runs(4), SEED + 2)) {
          const before = await host.look();
          const { status, details } = await ask(client, method, bytes);
          if (!REFUSED.includes(status)) continue;
          refused++;
          expect(details).not.toBe("");
          expect(await host.look(), `${pathOf(method)} ${Buffer.from(bytes).toString("hex")}`).toBe(before);
        }
        client.close();
      }
      expect(refused).toBeGreaterThan(40);
      await host.isWell();
    },
    timeout(60_000),
  );

  test(
    "on a stream that took a CPU from its L0, ends that stream, and L0 takes its CPU back",
    async () => {
      const connect = serviceNamed("InterconnectService").methods[0];
      if (connect === undefined) throw new Error("Connect is a method");
      const statuses = new Set<string>();
      for (const frames of fc.sample(framesOf(connect), { numRuns: runs(60), seed: SEED })) {
        const client = new RawClient(host.raided.cpu.address);
        const ended = await client.converse(pathOf(connect), [hello(), ...frames]);
        client.close();
        isAnAnswer(ended, connect, Buffer.concat(frames));
        statuses.add(ended.status);
      }
      expect([...statuses]).toEqual(expect.arrayContaining(["INVALID_ARGUMENT", "FAILED_PRECONDITION"]));
      await host.isWell();
    },
    timeout(60_000),
  );

  test("as bytes that are no message, is INVALID_ARGUMENT, whatever the method", async () => {
    for (const { address, method } of targets()) {
      const client = new RawClient(address);
      const { status, details } = await ask(client, method, MALFORMED);
      client.close();
      expect({ method: method.name, status, details }).toEqual({
        method: method.name,
        status: "INVALID_ARGUMENT",
        details: expect.stringContaining("no such message"),
      });
    }
    const client = new RawClient(host.l0.address);
    expect(await client.call(`/vmcslab.v1.L0Service/${ENDS_THE_HOST}`, MALFORMED)).toMatchObject({
      status: "INVALID_ARGUMENT",
    });
    expect(await client.call("/vmcslab.v1.L0Service/NoSuchMethod", MALFORMED)).toMatchObject({
      status: "UNIMPLEMENTED",
    });
    client.close();
    await host.isWell();
  });

  test("above four megabytes, is RESOURCE_EXHAUSTED", async () => {
    for (const { address, method } of targets().filter(({ method }) =>
      ["Execute", "RunL1", "GetCounts"].includes(method.name),
    )) {
      const client = new RawClient(address);
      expect(await ask(client, method, Buffer.alloc(5_000_000))).toMatchObject({ status: "RESOURCE_EXHAUSTED" });
      client.close();
    }
  });

  test("to health and reflection, leaves them answering", async () => {
    const bytes = fc.sample(fc.uint8Array({ maxLength: 60 }), { numRuns: runs(40), seed: SEED });
    const client = new RawClient(host.l0.address);
    for (const some of bytes) {
      const answers = [
        client.call("/grpc.health.v1.Health/Check", some),
        client.converse("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", [some]),
      ];
      for (const { status } of await Promise.all(answers)) expect(status).not.toBe("DEADLINE_EXCEEDED");
    }
    client.close();
    await host.isWell();
  });

  test("leaves the host's history whole: no event is missing, no invariant broken", () => host.historyIsValid());
});

/** Of an L0 that is later than the one there is. */
function hello(): Uint8Array {
  const session = BigInt(systemClock.wallUs());
  const frame = { $case: "hello", value: { cpu: 0, session, takesOver: false } } as const;
  return ConnectRequest.encode({ lamport: 0n, acknowledged: 0n, frame }).finish();
}
