/**
 * Every experiment of experiments/faults on a host of docker compose. One for each means by which faults are injected there runs always; `FAULTS=all npx vitest run test/containers/faults.test.ts`
 * runs all of them.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseExperiment } from "@vmcslab/lab/experiment";
import { L0Client, readClientCredentials } from "@vmcslab/runtime";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startVmcslab, vmcslab } from "../integration/cli-process.js";
import { ComposeProject } from "./compose-project.js";
import { buildImage, docker, missing, ROOT } from "./engine.js";

const NAME = `vmcslab-faults-${process.pid}`;
const FOLDER = join(ROOT, "experiments/faults");
const TEST_MS = 180_000;
const TIMES_MAX = 3;
const runsAll = process.env.FAULTS === "all";

/** By policy: what runs always. Pause, kill and start, self-kill, packet filter, L0's end of the link, the services' own buses. */
const ALWAYS: Readonly<Record<string, readonly string[]>> = {
  wait: ["stall", "crash", "crash-after-flush", "crash-l0", "partition", "drop-reply", "stop-bus"],
  fence: ["stall-fence", "partition-fence-live"],
  kill: ["partition-kill"],
};
const LEASE = "500ms";

interface Result {
  readonly verdict: string;
  readonly faults: { readonly injected: number; readonly healed: number };
  readonly violations: readonly unknown[];
}

function load(name: string) {
  const path = `experiments/faults/${name}.yaml`;
  return parseExperiment(readFileSync(join(ROOT, path), "utf8"), path).experiment;
}

/** What of the experiments wants such a host. */
function experimentsFor(policy: string, journal = "file"): string[] {
  const names = readdirSync(FOLDER).map((file) => file.replace(/\.yaml$/, ""));
  const wanted = names.filter((name) => {
    const { machine } = load(name);
    return machine.lostCpu === policy && machine.journal === journal;
  });
  return wanted.filter((name) => runsAll || ALWAYS[policy]?.includes(name) === true);
}

/** Repeats a fault less often than the file says: a container takes its time. */
function shortened(name: string): string[] {
  return load(name).faults.flatMap(({ repeat }, index) =>
    repeat === undefined || repeat.times <= TIMES_MAX ? [] : ["--set", `faults.${index}.repeat.times=${TIMES_MAX}`],
  );
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

describe.skipIf(missing !== "")(`faults on docker compose (cpus=4, pool=2), needs docker${missing}`, () => {
  let runsDir: string;
  let ports: NodeJS.ProcessEnv;
  const project = (env: NodeJS.ProcessEnv = {}): ComposeProject => new ComposeProject(NAME, { ...ports, ...env });
  const up = (env: NodeJS.ProcessEnv): void => void project(env).run("up", "--wait");
  const args = (name: string): string[] => ["run", `experiments/faults/${name}.yaml`, "--runs-dir", runsDir, "--quiet"];
  const state = (service: string, format: string): string =>
    docker(["inspect", "--format", format, `${NAME}-${service}-1`]).stdout.trim();

  beforeAll(async () => {
    buildImage();
    runsDir = mkdtempSync(join(tmpdir(), "vmcslab-faults-"));
    // L0 is killed and is to be found again.
    ports = { L0_PORT: `${await freePort()}`, TRACE_PORT: `${await freePort()}` };
  }, 300_000);

  afterAll(() => {
    project().down();
    rmSync(runsDir, { recursive: true, force: true });
  }, 120_000);

  async function runValid(name: string, where: readonly string[]): Promise<void> {
    const { stdout, stderr, exitCode } = await vmcslab([...args(name), ...shortened(name), "--json", ...where]);
    expect({ exitCode, stderr }, stdout.slice(0, 4000)).toEqual({ exitCode: 0, stderr: "" });
    const result: Result = JSON.parse(stdout);
    expect(result).toMatchObject({ verdict: "valid", violations: [] });
    expect(result.faults.injected).toBeGreaterThan(0);
    expect(result.faults.healed).toBe(result.faults.injected);
  }

  describe("a host that waits for silent CPUs", () => {
    /** What people show, out of the container that made it. */
    const tlsDir = (): string => join(runsDir, "tls");

    beforeAll(() => {
      up({});
      project().run("cp", "certs:/certs/client", tlsDir());
    }, 120_000);

    test.each(experimentsFor("wait"))(
      "%s is valid",
      async (name) => {
        await runValid(name, ["--compose", NAME]);
      },
      TEST_MS,
    );

    test.each(["crash", "crash-l0", "stall"])(
      "%s, by the services themselves (--attach), is valid",
      async (name) => {
        const where = ["--attach", `127.0.0.1:${ports.L0_PORT}`, "--trace", `127.0.0.1:${ports.TRACE_PORT}`];
        await runValid(name, [...where, "--tls-dir", tlsDir()]);
      },
      TEST_MS,
    );

    test("an experiment that wants another policy is refused, with what to start the host with", async () => {
      const { exitCode, stderr } = await vmcslab([...args("stall-fence"), "--compose", NAME]);
      expect({ exitCode, stderr }).toEqual({
        exitCode: 64,
        stderr:
          "vmcslab: the experiment wants machine.lostCpu fence with a lease of 500 ms, L0 of the host has wait: start it with LOST_CPU=fence CPU_LEASE=500ms docker compose up --wait\n",
      });
    });

    test("an experiment that kills an L0 with a journal is not run as one without", async () => {
      const { exitCode, stderr } = await vmcslab([
        ...args("crash-l0"),
        "--set",
        "machine.journal=none",
        "--compose",
        NAME,
      ]);
      expect(exitCode).toBe(64);
      expect(stderr).toContain("start it with JOURNAL=none docker compose up --wait");
    });

    test("a project that is none is refused", async () => {
      const { exitCode, stderr } = await vmcslab([...args("stall"), "--compose", "no-such-project"]);
      expect(exitCode).toBe(64);
      expect(stderr).toContain('docker has no host of the compose project "no-such-project"');
    });

    test(
      "faults end by their leases when `vmcslab run` is killed: a paused CPU goes on, a killed one is started",
      async () => {
        const run = startVmcslab([
          ...args("stall"),
          ...[
            "--set",
            "faults=[{for: 4s, do: {stall: {cpu: 1}}}, {for: 4s, do: {crash: {cpu: 2}}}, {for: 4s, do: {crash: {cpu: 3, when: afterFlush}}}]",
          ],
          ...["--compose", NAME],
        ]);
        const states = (): string[] => [
          state("cpu1", "{{.State.Status}}"),
          state("cpu2", "{{.State.Status}}"),
          state("cpu3", "{{.HostConfig.RestartPolicy.Name}}"),
        ];
        await expect.poll(states, { timeout: 30_000, interval: 100 }).toEqual(["paused", "exited", "no"]);
        run.kill("SIGKILL");
        await expect.poll(states, { timeout: 30_000, interval: 500 }).toEqual(["running", "running", "unless-stopped"]);
        const l0 = new L0Client(`127.0.0.1:${ports.L0_PORT}`, readClientCredentials({ directory: tlsDir() }));
        const online = async (): Promise<number> => {
          const cpus = await l0.listCpus();
          return cpus.ok ? cpus.value.filter(({ state: is }) => is === "online").length : 0;
        };
        await expect.poll(online, { timeout: 30_000, interval: 200 }).toBe(4);
        const left = await l0.listVcpus();
        if (!left.ok) throw new Error(left.error.message);
        for (const { vcpu } of left.value)
          await expect.poll(() => l0.destroyVcpu(vcpu), { timeout: 20_000 }).toMatchObject({ ok: true });
        l0.close();
        await runValid("stall", ["--compose", NAME]);
      },
      TEST_MS,
    );
  });

  describe.skipIf(experimentsFor("wait", "none").length === 0)("a host whose L0 keeps no journal", () => {
    beforeAll(() => up({ JOURNAL: "none" }), 120_000);

    test.each(experimentsFor("wait", "none"))(
      "%s is valid",
      async (name) => {
        await runValid(name, ["--compose", NAME]);
      },
      TEST_MS,
    );
  });

  describe("a host that fences silent CPUs", () => {
    // L0 is made anew, and goes on from its journal.
    beforeAll(() => up({ LOST_CPU: "fence", CPU_LEASE: LEASE }), 120_000);

    test.each(experimentsFor("fence"))(
      "%s is valid",
      async (name) => {
        await runValid(name, ["--set", `machine.lease=${LEASE}`, "--compose", NAME]);
      },
      TEST_MS,
    );
  });

  describe("a host that ends the vcpus of silent CPUs", () => {
    beforeAll(() => up({ LOST_CPU: "kill", CPU_LEASE: LEASE }), 120_000);

    test.each(experimentsFor("kill"))(
      "%s is valid",
      async (name) => {
        await runValid(name, ["--compose", NAME]);
      },
      TEST_MS,
    );
  });
});
