import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Client, credentials as grpcCredentials, Metadata, status } from "@grpc/grpc-js";
import {
  CpuClient,
  Credentials,
  checkHealth,
  FaultClient,
  flushEvents,
  grpcTransport,
  L0Client,
  Secret,
  systemClock,
  TraceClient,
} from "@vmcslab/runtime";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { InterconnectServiceService } from "../../packages/runtime/src/generated/vmcslab/v1/interconnect.js";
import { TraceServiceClient } from "../../packages/runtime/src/generated/vmcslab/v1/trace.js";
import { SecuredHost, type SecuredProcess } from "../support/secured-host.js";
import { vmcslab } from "./cli-process.js";

const MODEL = "corei7_sandy_bridge_2600k";
const UNAUTHENTICATED = { ok: false, error: { code: "unauthenticated", definite: true } };
const PERMISSION_DENIED = { ok: false, error: { code: "permissionDenied", definite: true } };
const OK = { ok: true };

let host: SecuredHost;
let trace: SecuredProcess;
let l0: SecuredProcess;
let cpus: SecuredProcess[];
/** TLS, and nothing to show. */
let stranger: Credentials;
/** TLS, and a token that is not this host's. */
let wrongToken: Credentials;

beforeAll(async () => {
  host = await SecuredHost.make(4);
  trace = await host.start("trace", ["trace", "--dir", join(host.directory, "history")]);
  l0 = await host.start("l0", ["l0", "--trace", trace.address]);
  cpus = await Promise.all(
    [0, 1].map((cpu) =>
      host.start(`cpu${cpu}`, ["cpu", "--id", `${cpu}`, "--l0", l0.address, "--trace", trace.address]),
    ),
  );
  const ca = readFileSync(join(host.tls("client"), "ca.crt"));
  stranger = new Credentials({ tls: { ca } });
  wrongToken = new Credentials({ tls: { ca }, token: new Secret("not-the-token-of-this-host") });
  for (const { address } of [l0, ...cpus])
    await vi.waitUntil(async () => (await checkHealth(address, 1000, host.person)) === "SERVING", { timeout: 15_000 });
});
afterAll(() => host.stop());

async function using<C extends { close(): void }, T>(client: C, ask: (client: C) => Promise<T>): Promise<T> {
  try {
    return await ask(client);
  } finally {
    client.close();
  }
}

const listCpus = (credentials: Credentials) =>
  using(new L0Client(l0.address, credentials), (client) => client.listCpus());

/** How a stream to a CPU's interconnect ends that says nothing. */
function connectStatus(credentials: Credentials): Promise<status> {
  const dial = credentials.dial("cpu");
  const client = new Client(cpus[0]?.address ?? "", dial.credentials, dial.options);
  const { path, requestSerialize, responseDeserialize } = InterconnectServiceService.connect;
  const stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
  stream.on("data", () => undefined);
  return new Promise((resolve) => {
    stream.on("error", () => undefined);
    stream.on("status", ({ code }) => {
      client.close();
      resolve(code);
    });
    stream.end();
  });
}

/** How trace answers events that are said to be a source's. */
function publishStatus(credentials: Credentials, source: string): Promise<status> {
  const dial = credentials.dial("trace");
  const client = new TraceServiceClient(trace.address, dial.credentials, dial.options);
  const stream = client.publish();
  return new Promise((resolve) => {
    stream.on("data", () => stream.end());
    stream.on("error", () => undefined);
    stream.on("status", ({ code }) => {
      client.close();
      resolve(code);
    });
    stream.write({ batch: { host: "other", source, incarnation: 1n, firstSequence: 1n, events: [], ends: false } });
  });
}

describe("a host with authentication (cpus=2)", () => {
  test("health is answered to everybody who trusts the CA, and reflection to people", async () => {
    expect(await checkHealth(l0.address, 1000, stranger)).toBe("SERVING");
    const reflect = async (credentials: Credentials): Promise<status> => {
      const dial = credentials.dial("l0");
      const client = new Client(l0.address, dial.credentials, dial.options);
      const request = Buffer.from([0x3a, 1, 0x2a]);
      const bytes = (value: Buffer): Buffer => value;
      const stream = client.makeBidiStreamRequest(
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        bytes,
        bytes,
      );
      return await new Promise((resolve) => {
        stream.on("data", () => stream.end());
        stream.on("error", () => undefined);
        stream.on("status", ({ code }) => {
          client.close();
          resolve(code);
        });
        stream.write(request);
      });
    };
    expect(await reflect(stranger)).toBe(status.UNAUTHENTICATED);
    expect(await reflect(host.person)).toBe(status.OK);
  });

  test("a person operates it; a stranger, a wrong token and no TLS do not", async () => {
    expect(await listCpus(host.person)).toMatchObject({ ok: true, value: [{ cpu: 0 }, { cpu: 1 }] });
    expect(await listCpus(stranger)).toMatchObject(UNAUTHENTICATED);
    expect(await listCpus(wrongToken)).toMatchObject(UNAUTHENTICATED);
    expect(await listCpus(Credentials.none)).toMatchObject({ ok: false, error: { code: "cpuUnavailable" } });
  });

  test("a token does not go out to a server that is not of this CA", async () => {
    const other = await SecuredHost.make(1);
    const impostor = await other.start("l0", ["l0"]);
    const answer = await using(new L0Client(impostor.address, host.person), (client) => client.listCpus());
    await other.stop();
    expect(answer).toMatchObject({ ok: false, error: { code: "cpuUnavailable" } });
  });

  test("services may do what they are for, and no more", async () => {
    const cpu0 = host.service("cpu0");
    expect(await listCpus(cpu0)).toMatchObject(PERMISSION_DENIED);
    const vmcs = (credentials: Credentials) =>
      using(new CpuClient(cpus[0]?.address ?? "", credentials), (client) => client.state());
    expect(await vmcs(host.person)).toMatchObject(OK);
    expect(await vmcs(host.service("l0"))).toMatchObject(PERMISSION_DENIED);
    expect(await flushEvents(cpus[0]?.address ?? "", host.service("l0"))).toMatchObject(OK);
    expect(await flushEvents(cpus[0]?.address ?? "", host.service("cpu1"))).toMatchObject(PERMISSION_DENIED);
    const faults = (credentials: Credentials) =>
      using(new FaultClient(cpus[0]?.address ?? "", credentials), (client) => client.list());
    expect(await faults(host.service("l0"))).toMatchObject(OK);
    expect(await faults(host.service("trace"))).toMatchObject(PERMISSION_DENIED);
    const counts = (credentials: Credentials) =>
      using(new TraceClient(trace.address, credentials), (client) => client.counts());
    expect(await counts(host.person)).toMatchObject(OK);
    expect(await counts(cpu0)).toMatchObject(PERMISSION_DENIED);
  });

  test("the interconnect is L0's", async () => {
    expect(await connectStatus(host.service("l0"))).toBe(status.OK);
    expect(await connectStatus(host.service("cpu1"))).toBe(status.PERMISSION_DENIED);
    expect(await connectStatus(host.person)).toBe(status.PERMISSION_DENIED);
    expect(await connectStatus(stranger)).toBe(status.UNAUTHENTICATED);
  });

  test("events are published by the source that they are of", async () => {
    expect(await publishStatus(host.service("cpu1"), "cpu1")).toBe(status.OK);
    expect(await publishStatus(host.service("cpu1"), "cpu0")).toBe(status.PERMISSION_DENIED);
    expect(await publishStatus(host.person, "faults")).toBe(status.OK);
    expect(await publishStatus(host.person, "l0")).toBe(status.PERMISSION_DENIED);
    expect(await publishStatus(stranger, "faults")).toBe(status.UNAUTHENTICATED);
  });

  test("L0 speaks to the CPU that it means, not to another one at its address", async () => {
    const refused = await new Promise<string>((resolve) => {
      const transport = grpcTransport(cpus[0]?.address ?? "", host.service("l0"), "cpu1");
      transport.open(
        () => resolve("it answered"),
        ({ message }) => {
          transport.close();
          resolve(message);
        },
      );
    });
    expect(refused).toContain("its certificate is that of cpu0, and cpu1 was to answer");
  });

  test("bearer is the only scheme, and metadata names nobody", async () => {
    const dial = stranger.dial("l0");
    const withMetadata = (authorization: string) => {
      const metadata = new Metadata();
      metadata.set("authorization", authorization);
      const made = grpcCredentials.createFromMetadataGenerator((_, callback) => callback(null, metadata));
      const client = new Client(l0.address, dial.credentials.compose(made), dial.options);
      return new Promise<status>((resolve) => {
        const bytes = (value: Buffer): Buffer => value;
        client.makeUnaryRequest("/vmcslab.v1.L0Service/GetHost", bytes, bytes, Buffer.alloc(0), (error) => {
          client.close();
          resolve(error?.code ?? status.OK);
        });
      });
    };
    const token = readFileSync(join(host.tls("client"), "token"), "utf8").trim();
    expect(await withMetadata(`Bearer ${token}`)).toBe(status.OK);
    expect(await withMetadata(token)).toBe(status.UNAUTHENTICATED);
    expect(await withMetadata(`Basic ${token}`)).toBe(status.UNAUTHENTICATED);
    expect(await withMetadata("cpu0")).toBe(status.UNAUTHENTICATED);
  });
});

describe("whose number it is", () => {
  const register = (credentials: Credentials, cpu: number, address: string) =>
    using(new L0Client(l0.address, credentials), (client) =>
      client.registerCpu({ cpu, incarnation: systemClock.wallUs(), address, model: MODEL }, 2000),
    );

  test("a CPU registers only as the one that its certificate names, and people and L0 not at all", async () => {
    expect(await register(host.service("cpu3"), 2, "127.0.0.1:1")).toMatchObject({
      ok: false,
      error: { code: "permissionDenied", definite: true, message: "cpu3 may not speak for CPU 2" },
    });
    expect(await register(host.person, 2, "127.0.0.1:1")).toMatchObject(PERMISSION_DENIED);
    expect(await register(host.service("l0"), 2, "127.0.0.1:1")).toMatchObject(PERMISSION_DENIED);
    expect(await register(stranger, 2, "127.0.0.1:1")).toMatchObject(UNAUTHENTICATED);
    const offline = await using(new L0Client(l0.address, host.service("cpu0")), (client) => client.offlineCpu(1));
    expect(offline).toMatchObject(PERMISSION_DENIED);
  });

  test("a second process with the same certificate is refused while the first lives, and while it is paused", async () => {
    const taken = { ok: false, error: { code: "failedPrecondition", definite: true } };
    const [first, second] = cpus;
    if (first === undefined || second === undefined) throw new Error("no CPUs");
    const cpu0 = host.service("cpu0");
    const addresses = [first.address, "127.0.0.1:1"];
    for (const address of addresses) expect(await register(cpu0, 0, address)).toMatchObject(taken);
    first.process.kill("SIGSTOP");
    // Longer than keepalive needs to see that nobody answers, and than a CPU whose process is gone is waited for.
    await systemClock.sleep(4500);
    for (const address of addresses) expect(await register(cpu0, 0, address)).toMatchObject(taken);
    first.process.kill("SIGCONT");
    const state = async () => {
      const known = await listCpus(host.person);
      return known.ok ? known.value.find(({ cpu }) => cpu === 0)?.state : undefined;
    };
    await expect.poll(state, { timeout: 15_000 }).toBe("online");
    expect(await using(new L0Client(l0.address, host.person), (client) => client.createVcpu({ cpu: 0 }))).toMatchObject(
      OK,
    );
  });
});

describe("the command", () => {
  test.each([
    [["l0", "--listen", "0.0.0.0:0"], /0\.0\.0\.0:0 can be reached from other machines.*--tls-dir.*--insecure/],
    [["trace", "--listen", "[::]:0"], /can be reached from other machines/],
    [["cpu", "--id", "0", "--listen", "192.0.2.1:0"], /can be reached from other machines/],
    [["proxy", "--cpus", "1", "--control", "0.0.0.0:0"], /can be reached from other machines/],
  ])("%j does not start without authentication where others can reach it", async (args, message) => {
    const { exitCode, stderr, stdout } = await vmcslab(args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 64, stdout: "" });
    expect(stderr).toMatch(message);
  });

  test("--insecure is believed, and warned about", async () => {
    const open = new SecuredHost();
    await open.startOpen(["trace", "--listen", "0.0.0.0:0", "--dir", join(open.directory, "history")], {
      VMCSLAB_INSECURE: "1",
    });
    await expect.poll(() => open.logs, { timeout: 5000 }).toContain("nobody asks who calls");
    await open.stop();
  });

  test("a certificate of another service, a folder that is not there: exit 64, and why", async () => {
    const wrong = await vmcslab(["cpu", "--id", "1", "--tls-dir", host.tls("cpu0")]);
    expect(wrong).toMatchObject({
      exitCode: 64,
      stderr: "vmcslab: --tls-dir: the certificate is that of cpu0, and this is cpu1\n",
    });
    const nowhere = await vmcslab(["l0", "--tls-dir", "/nowhere"]);
    expect(nowhere).toMatchObject({ exitCode: 64, stderr: "vmcslab: --tls-dir: no folder /nowhere\n" });
    const people = await vmcslab(["l0", "--tls-dir", host.tls("client")]);
    expect(people).toMatchObject({ exitCode: 64, stderr: expect.stringContaining("a service with TLS needs") });
  });

  test("runs an experiment on such a host, and says what is missing when it is not given", async () => {
    const where = ["--attach", l0.address, "--trace", trace.address, "--runs-dir", join(host.directory, "runs")];
    // The vcpu of an earlier test would be in the way.
    await using(new L0Client(l0.address, host.person), async (client) => {
      const vcpus = await client.listVcpus();
      for (const { vcpu } of vcpus.ok ? vcpus.value : []) await client.destroyVcpu(vcpu);
    });
    const run = [
      "run",
      "experiments/kvm-capture.yaml",
      "--cpus",
      "2",
      "--set",
      "workload.repeat=3",
      "--quiet",
      "--json",
    ];
    const { stdout, stderr, exitCode } = await vmcslab([...run, ...where, "--tls-dir", host.tls("client")]);
    expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
    expect(JSON.parse(stdout)).toMatchObject({ verdict: "valid" });
    const without = await vmcslab([...run, ...where]);
    expect(without).toMatchObject({ exitCode: 69, stderr: expect.stringContaining("give --tls-dir") });
  });
});
