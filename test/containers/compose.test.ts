import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { askHttp, readClientCredentials, systemClock } from "@vmcslab/runtime";
import { connect } from "nats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { vmcslab } from "../integration/cli-process.js";
import { ComposeProject } from "./compose-project.js";
import { buildImage, docker, isThere, missing, pinnedImage, ROOT } from "./engine.js";

const UP_SECONDS_MAX = 60;
const project = new ComposeProject(`vmcslab-test-${process.pid}`, { CHAOS: "1" });
const PROMETHEUS_IMAGE = pinnedImage("PROMETHEUS_IMAGE");
const SHORT = ["--set", "workload.repeat=10", "--json", "--quiet"];
let upSeconds = 0;

interface Result {
  readonly verdict: string;
  readonly events: { readonly published: number; readonly lost: number };
  readonly gaps: readonly string[];
}

function resultOf(stdout: string): Result {
  const result: Result = JSON.parse(stdout);
  return result;
}

interface Sample {
  readonly metric: { readonly job: string };
  readonly value: readonly [number, string];
}

const VALID = { verdict: "valid", gaps: [], events: { lost: 0 } };

/** An experiment in a container of the profile `lab`. */
function runInLab(): Result {
  return resultOf(project.run("run", "--rm", "-T", "lab", "run", "experiments/kvm-capture.yaml", ...SHORT));
}

describe.skipIf(missing !== "")(`docker compose (cpus=4, pool=2), needs docker${missing}`, () => {
  let runsDir: string;
  /** What `docker compose cp` fetched for people. */
  let tlsDir: string;

  beforeAll(() => {
    buildImage();
    runsDir = mkdtempSync(join(tmpdir(), "vmcslab-attach-"));
    const start = systemClock.monoNs();
    project.run("--profile", "chaos", "up", "--wait");
    upSeconds = (systemClock.monoNs() - start) / 1e9;
    tlsDir = join(runsDir, "tls");
    project.run("cp", "certs:/certs/client", tlsDir);
  }, 300_000);

  afterAll(() => {
    project.down();
    rmSync(runsDir, { recursive: true, force: true });
  }, 120_000);

  test("up --wait is healthy in time, read-only and without root", () => {
    expect(upSeconds).toBeLessThan(UP_SECONDS_MAX);
    const states = project.run("ps", "--format", "{{.Service}} {{.Health}}").trim().split("\n").sort();
    const services = ["chaos", "cpu0", "cpu1", "cpu2", "cpu3", "l0", "nats", "trace"];
    expect(states).toEqual(services.map((service) => `${service} healthy`));
    expect(project.evaluate("l0", "console.log(process.getuid())").trim()).toBe("1000");
    expect(() => project.evaluate("l0", "(await import('node:fs')).writeFileSync('/app/x', '')")).toThrow("EROFS");
  });

  test("an experiment in the lab container", () => {
    expect(runInLab()).toMatchObject(VALID);
  });

  test("an experiment from outside, and another one after it", async () => {
    const args = ["experiments/kvm-capture.yaml", ...SHORT, "--runs-dir", runsDir];
    const where = ["--attach", project.address("l0", 7000), "--trace", project.address("trace", 7200)];
    for (const seed of ["1", "2"]) {
      const run = ["run", ...args, ...where, "--tls-dir", tlsDir, "--seed", seed];
      const { stdout, exitCode, stderr } = await vmcslab(run);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
      expect(resultOf(stdout)).toMatchObject(VALID);
    }
  });

  test("an experiment that wants more CPUs than there are is refused", async () => {
    const where = ["--attach", project.address("l0", 7000), "--trace", project.address("trace", 7200)];
    const args = ["run", "experiments/kvm-capture.yaml", "--cpus", "5", "--runs-dir", runsDir, "--quiet"];
    const { exitCode, stderr } = await vmcslab([...args, ...where, "--tls-dir", tlsDir]);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 64,
      stderr: "vmcslab: the experiment wants 5 CPUs, the host has 4: --cpus 4\n",
    });
  });

  test("a stranger is refused: without TLS, without the token, and with another host's", async () => {
    const l0 = project.address("l0", 7000);
    const list = ["faults", "list", "--address", l0];
    const plain = await vmcslab(list);
    expect(plain).toMatchObject({ exitCode: 69, stderr: expect.stringContaining("does not take faults") });
    const strange = join(runsDir, "strange");
    expect(await vmcslab(["certs", strange, "--cpus", "1"])).toMatchObject({ exitCode: 0 });
    expect(await vmcslab([...list, "--tls-dir", join(strange, "client")])).toMatchObject({
      exitCode: 69,
      stderr: expect.stringContaining("certificate"),
    });
    const token = join(strange, "client", "token");
    expect(await vmcslab([...list, "--tls-dir", tlsDir, "--token-file", token])).toMatchObject({
      exitCode: 69,
      stderr: expect.stringContaining("who are you?"),
    });
    expect(await vmcslab([...list, "--tls-dir", tlsDir])).toMatchObject({ exitCode: 0, stdout: "no faults\n" });
  });

  test("each service has its own key only, and NATS lets nobody publish another's events", async () => {
    const files = "(await import('node:fs')).readdirSync('/etc/vmcslab/tls').sort().join()";
    const own = project.evaluate("cpu1", `console.log(${files})`).trim();
    expect(own).toBe("ca.crt,nats-password,tls.crt,tls.key,token.sha256");
    const publish = (subject: string): string => `
      const { connect } = await import("nats");
      const { readFileSync } = await import("node:fs");
      const read = (name) => readFileSync("/etc/vmcslab/tls/" + name, "utf8").trim();
      const nats = await connect({ servers: "nats:4222", user: "cpu1", pass: read("nats-password"), tls: { ca: read("ca.crt") } });
      void (async () => { for await (const { type, data } of nats.status()) if (type === "error") console.log(data); })();
      nats.publish("${subject}", "x");
      await nats.flush();
      await new Promise((resolve) => setTimeout(resolve, 200));
      await nats.close();`;
    expect(project.evaluate("cpu1", publish("vmcslab.host.cpu1.test"))).toBe("");
    expect(project.evaluate("cpu1", publish("vmcslab.host.cpu2.test"))).toContain("PERMISSIONS_VIOLATION");
    const login = { servers: project.address("nats", 4222), tls: { ca: readFileSync(join(tlsDir, "ca.crt"), "utf8") } };
    await expect(connect(login)).rejects.toThrow("Authorization");
  });

  test("every service answers GET /metrics", () => {
    for (const [service, metric] of [
      ["l0", 'vmcslab_l0_cpus{state="online"} 4'],
      ["cpu2", "vmcslab_cpu_registered 1"],
      ["trace", 'vmcslab_trace_lost_total{of_host="host",source="l0"} 0'],
    ] as const) {
      const scrape = "console.log(await (await fetch('http://127.0.0.1:9464/metrics')).text())";
      expect(project.evaluate(service, scrape)).toContain(`${metric}\n`);
    }
  });

  test("the fault proxy of the profile chaos slows a CPU down, and stops by itself", async () => {
    const control = `https://${project.address("chaos", 8474)}`;
    const ask = async (path: string, request: { method?: string; body?: string } = {}) =>
      await askHttp(`${control}${path}`, readClientCredentials({ directory: tlsDir }), { ...request, timeoutMs: 5000 });
    const body = JSON.stringify({ latencyMs: 40, forMs: 1500 });
    expect(await ask("/links/cpu1", { method: "PUT", body })).toMatchObject({ status: 200 });
    const links = async () => JSON.parse((await ask("/links")).body);
    expect(await links()).toMatchObject({ cpu0: { latencyMs: 0 }, cpu1: { latencyMs: 40 } });
    await expect.poll(links, { timeout: 5000 }).toMatchObject({ cpu1: { latencyMs: 0 } });
    const refused = await ask("/links/cpu1", { method: "PUT", body: '{"delay": 1}' });
    expect(refused).toMatchObject({ status: 400, body: expect.stringContaining('\\"delay\\" is no fault') });
    const stranger = readClientCredentials({ ca: join(tlsDir, "ca.crt") });
    expect(await askHttp(`${control}/links`, stranger, { timeoutMs: 5000 })).toMatchObject({ status: 401 });
  });

  test.skipIf(!isThere(PROMETHEUS_IMAGE))(
    "Prometheus of the profile observability finds and scrapes all of them",
    async () => {
      project.run("--profile", "observability", "up", "--wait", "--no-recreate", "prometheus");
      const url = `http://${project.address("prometheus", 9090)}/api/v1/query?query=up`;
      const scraped = async () => {
        const answer: { data: { result: Sample[] } } = JSON.parse(await (await fetch(url)).text());
        return answer.data.result.map(({ metric, value }) => `${metric.job} ${value[1]}`).sort();
      };
      await expect
        .poll(scraped, { timeout: 30_000, interval: 500 })
        .toEqual(["cpu 1", "cpu 1", "cpu 1", "cpu 1", "l0 1", "trace 1"]);
    },
  );

  test.each(["nats", "trace", "l0", "cpu3"])(
    "kill -9 and start of %s: healthy again, and an experiment is valid",
    (service) => {
      project.run("kill", service);
      project.run("--profile", "chaos", "up", "--wait", "--no-recreate");
      expect(runInLab()).toMatchObject(VALID);
    },
  );

  test("restarts of everything in an order nobody chose", () => {
    project.run("restart", "--timeout", "5", "cpu2", "nats", "l0", "cpu0", "trace", "cpu1", "cpu3");
    project.run("--profile", "chaos", "up", "--wait", "--no-recreate");
    expect(runInLab()).toMatchObject(VALID);
  });

  test("kill -9 of everything at once: healthy again, and an experiment is valid", () => {
    project.run("--profile", "chaos", "kill");
    project.run("--profile", "chaos", "up", "--wait", "--no-recreate");
    expect(runInLab()).toMatchObject(VALID);
  });

  test("down leaves nothing", () => {
    project.down();
    for (const what of [
      ["ps", "--all"],
      ["volume", "ls"],
      ["network", "ls"],
    ]) {
      const filter = `label=com.docker.compose.project=${project.name}`;
      expect(docker([...what, "--quiet", "--filter", filter]).stdout).toBe("");
    }
  });
});

describe("vmcslab compose", () => {
  test("with four CPUs is the file that is checked in; with more, every CPU has its own name and port", async () => {
    const checkedIn = readFileSync(join(ROOT, "docker-compose.yml"), "utf8");
    expect(await vmcslab(["compose"])).toMatchObject({ exitCode: 0, stdout: checkedIn });
    const { stdout } = await vmcslab(["compose", "--cpus", "11"]);
    for (let cpu = 0; cpu < 11; cpu++) {
      expect(stdout).toContain(`CPU_ID: ${cpu}, NATS_USER: cpu${cpu}, GRPC_LISTEN: "0.0.0.0:${7100 + cpu}"`);
      expect(stdout).toContain(`via-}cpu${cpu}:${7100 + cpu}"`);
    }
    expect(stdout).not.toContain("cpu11:");
    for (const line of ["      - tls-cpu10:/certs/cpu10\n", "  tls-cpu10:\n", '--cpus, "11", --owner'])
      expect(stdout).toContain(line);
    expect(await vmcslab(["compose", "--cpus", "0"])).toMatchObject({
      exitCode: 64,
      stderr: "vmcslab: --cpus: 0 is not from 1 to 256\n",
    });
  });
});
