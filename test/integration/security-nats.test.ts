import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { Credentials, checkHealth, L0Client, Secret, TraceClient } from "@vmcslab/runtime";
import { connect } from "nats";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { freePort, missingNats, stopNats } from "../support/nats-server.js";
import { SecuredHost, type SecuredProcess } from "../support/secured-host.js";
import { vmcslab } from "./cli-process.js";

let host: SecuredHost;
let nats: ChildProcess;
let port: number;
let services: { trace: SecuredProcess; l0: SecuredProcess; cpu: SecuredProcess };

const text = (folder: string, file: string): string => readFileSync(join(host.tls(folder), file), "utf8").trim();

/** As Compose configures a service. */
function natsEnvironment(name: string): NodeJS.ProcessEnv {
  return {
    NATS_URL: `tls://127.0.0.1:${port}`,
    NATS_USER: name,
    NATS_PASSWORD_FILE: join(host.tls(name), "nats-password"),
    NATS_CA: join(host.tls(name), "ca.crt"),
  };
}

function natsClient(user: string, pass = text(user, "nats-password")) {
  const ca = text(user, "ca.crt");
  return connect({ servers: `127.0.0.1:${port}`, user, pass, inboxPrefix: `_INBOX.${user}`, tls: { ca } });
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? filesUnder(path) : [path];
  });
}

const serves = (address: string, is = "SERVING") =>
  vi.waitUntil(async () => (await checkHealth(address, 1000, host.person)) === is, { timeout: 20_000 });

describe.skipIf(missingNats !== "")(`a NATS server that vmcslab certs configured${missingNats}`, () => {
  beforeAll(async () => {
    host = await SecuredHost.make(2);
    port = await freePort();
    const configuration = ["-c", join(host.tls("nats"), "nats.conf"), "-js", "-sd", join(host.directory, "nats-data")];
    nats = spawn("nats-server", ["-a", "127.0.0.1", "-p", `${port}`, ...configuration], { stdio: "ignore" });
    await vi.waitUntil(
      () =>
        natsClient("client").then(
          (client) => client.close().then(() => true),
          () => false,
        ),
      {
        timeout: 10_000,
      },
    );
    const history = join(host.directory, "history");
    const trace = await host.start(
      "trace",
      ["trace", "--dir", history, "--consumer", "trace"],
      natsEnvironment("trace"),
    );
    const l0 = await host.start("l0", ["l0", "--journal", "nats"], natsEnvironment("l0"));
    const cpu = await host.start("cpu0", ["cpu", "--id", "0", "--l0", l0.address], natsEnvironment("cpu0"));
    services = { trace, l0, cpu };
    for (const { address } of Object.values(services)) await serves(address);
  });
  afterAll(async () => {
    await host.stop();
    await stopNats(nats);
  });

  test("carries the events of a host, and L0's journal", async () => {
    const client = new L0Client(services.l0.address, host.person);
    const created = await client.createVcpu({ cpu: 0 });
    expect(created).toMatchObject({ ok: true });
    expect(await client.flushHost()).toMatchObject({ ok: true, value: { silent: [] } });
    client.close();
    const trace = new TraceClient(services.trace.address, host.person);
    const sources = async () => {
      const counts = await trace.counts();
      return counts.ok ? counts.value.sources.map(({ source, lost }) => `${source} ${lost}`).sort() : [];
    };
    await expect.poll(sources, { timeout: 10_000 }).toEqual(["cpu0 0", "l0 0"]);
    trace.close();
    const own = await natsClient("l0");
    const { state } = await (await own.jetstreamManager()).streams.info("vmcslab_journal_host");
    await own.close();
    expect(state.messages).toBeGreaterThan(0);
  });

  test.each([
    ["cpu0", "vmcslab.host.cpu0.batch", "cpu0", "stored"],
    ["cpu0", "vmcslab.host.cpu1.batch", "cpu1", "refused"],
    ["cpu0", "vmcslab-journal.host.records", "the journal", "refused"],
    ["l0", "vmcslab.host.cpu0.batch", "cpu0", "refused"],
    ["client", "vmcslab.host.faults.batch", "faults", "stored"],
    ["client", "vmcslab.host.l0.batch", "l0", "refused"],
  ])("%s publishes on %s, as %s: %s", async (user, subject, _source, outcome) => {
    const client = await natsClient(user);
    const stored = client.jetstream().publish(subject, new Uint8Array(), { timeout: 1500 });
    expect(
      await stored.then(
        () => "stored",
        () => "refused",
      ),
    ).toBe(outcome);
    await client.close();
  });

  test.each([
    ["cpu0", "$JS.API.STREAM.DELETE.VMCSLAB"],
    ["cpu0", "$JS.API.STREAM.PURGE.VMCSLAB"],
    ["client", "$JS.API.STREAM.DELETE.VMCSLAB"],
    ["trace", "$JS.API.STREAM.INFO.vmcslab_journal_host"],
  ])("%s does not ask for %s", async (user, api) => {
    const client = await natsClient(user);
    await expect(client.request(api, new Uint8Array(), { timeout: 1500 })).rejects.toThrow(
      "Permissions Violation for Publish",
    );
    await client.close();
  });

  test("lets nobody in without a password, or with another's", async () => {
    await expect(natsClient("cpu0", "wrong")).rejects.toThrow(/Authorization/i);
    await expect(natsClient("cpu0", text("cpu1", "nats-password"))).rejects.toThrow(/Authorization/i);
  });

  test("no secret is in a log, an event, or the folder of a run, whatever fails", async () => {
    const password = "a-password-that-nobody-may-see";
    const env = { VMCSLAB_LOG_LEVEL: "trace" };
    const runs = join(host.directory, "runs");
    const url = `nats://somebody:${password}@127.0.0.1:${port}`;
    const args = ["run", "experiments/kvm-capture.yaml", "--set", "workload.repeat=1", "--runs-dir", runs];
    const printed = await vmcslab([...args, "--nats", url, "--print-config"], { env });
    const failed = await vmcslab([...args, "--nats", url], { env });
    expect(failed).toMatchObject({ exitCode: 69, stderr: expect.stringContaining("cannot be reached") });
    const wrong = new Secret("a-token-that-nobody-may-see");
    const ca = readFileSync(join(host.tls("client"), "ca.crt"));
    const client = new L0Client(services.l0.address, new Credentials({ tls: { ca }, token: wrong }));
    expect(await client.createVcpu({ cpu: 0 })).toMatchObject({ ok: false, error: { code: "unauthenticated" } });
    client.close();
    const badPassword = { ...natsEnvironment("cpu1"), NATS_PASSWORD_FILE: "", NATS_PASSWORD: password };
    const locked = await host.start("cpu1", ["cpu", "--id", "1", "--l0", services.l0.address], badPassword);
    await serves(locked.address, "NOT_SERVING");
    const secrets = [
      password,
      wrong.reveal(),
      text("client", "token"),
      ...["l0", "trace", "cpu0", "cpu1", "client"].map((name) => text(name, "nats-password")),
      ...["l0", "trace", "cpu0"].map((name) => text(name, "tls.key").split("\n")[1] ?? ""),
    ];
    const seen = [
      host.logs,
      ...[printed, failed].flatMap(({ stdout, stderr }) => [stdout, stderr]),
      ...[...filesUnder(runs), ...filesUnder(join(host.directory, "history"))].map((file) =>
        readFileSync(file, "latin1"),
      ),
    ];
    expect(seen.join("").length).toBeGreaterThan(1000);
    for (const secret of secrets) {
      expect(secret.length).toBeGreaterThan(15);
      for (const shown of seen) expect(shown.includes(secret)).toBe(false);
    }
  });
});
