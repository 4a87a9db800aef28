import { type ChildProcess, fork } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RandomStream } from "@vmcslab/faults";
import type { L1Instruction } from "@vmcslab/nested";
import { L0Client, systemClock } from "@vmcslab/runtime";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const CLI = new URL("../../packages/cli/bin/vmcslab.js", import.meta.url).pathname;
const VMXON_REGION = 0x1000n;
const VMCS12 = 0x10_0000n;
const GUEST_RIP = 0x681en;
const REVISION = 0x11e57ed0;
const KILLS = 12;

/** An L0 and its CPUs as processes of their own, of which any may be killed. */
interface Lab {
  readonly client: L0Client;
  readonly l0: ChildProcess;
  readonly address: string;
}

const stops: (() => unknown)[] = [];
let journal: string;
let lab: Lab;

beforeEach(async () => {
  const directory = await mkdtemp(join(tmpdir(), "vmcslab-l0-restart-"));
  stops.push(() => rm(directory, { recursive: true }));
  journal = join(directory, "l0.journal");
});

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

function service(args: readonly string[]): Promise<{ child: ChildProcess; address: string }> {
  const env = { ...process.env, VMCSLAB_LOG_LEVEL: "silent" };
  const child = fork(CLI, args, { env, execArgv: [], stdio: ["ignore", "ignore", "inherit", "ipc"] });
  stops.push(() => child.kill("SIGKILL"));
  return new Promise((resolve, reject) => {
    child.once("message", (message) => {
      const { ready } = message as { ready: string };
      resolve({ child, address: ready });
    });
    child.once("exit", (code) => reject(new Error(`vmcslab ${args.join(" ")} ended with ${code}`)));
  });
}

async function startLab(kept: boolean, cpus = 2): Promise<void> {
  const { child, address } = await service(l0Args("127.0.0.1:0", kept));
  const client = new L0Client(address);
  stops.push(() => client.close());
  lab = { client, l0: child, address };
  await Promise.all(Array.from({ length: cpus }, (_, cpu) => service(["cpu", "--id", `${cpu}`, "--l0", address])));
  await online(cpus);
}

function l0Args(listen: string, kept: boolean): string[] {
  return ["l0", "--listen", listen, ...(kept ? ["--journal", `file:${journal}`] : [])];
}

async function killL0(): Promise<void> {
  const gone = new Promise((resolve) => lab.l0.once("exit", resolve));
  lab.l0.kill("SIGKILL");
  await gone;
}

async function restartL0(kept = true, cpus = 2): Promise<void> {
  const { child } = await service(l0Args(lab.address, kept));
  lab = { ...lab, l0: child };
  await online(cpus);
}

async function online(count: number): Promise<void> {
  await until(`${count} CPUs online`, async () => {
    const answer = await lab.client.listCpus();
    return answer.ok && answer.value.filter((cpu) => cpu.state === "online").length === count;
  });
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const endNs = systemClock.monoNs() + 15e9;
  while (!(await isSo())) {
    if (systemClock.monoNs() > endNs) throw new Error(`not within 15 s: ${what}`);
    await systemClock.sleep(20);
  }
}

const SETUP: readonly L1Instruction[] = [
  { op: "write32", addr: VMXON_REGION, value: REVISION },
  { op: "vmxon", addr: VMXON_REGION },
  { op: "write32", addr: VMCS12, value: REVISION },
  { op: "vmclear", addr: VMCS12 },
  { op: "vmptrld", addr: VMCS12 },
];

async function l1(vcpu: number, instructions: readonly L1Instruction[]) {
  const answer = await lab.client.runL1(vcpu, instructions);
  if (!answer.ok) throw new Error(answer.error.message);
  return answer.value;
}

async function created(cpu: number): Promise<number> {
  const answer = await lab.client.createVcpu({ cpu });
  if (!answer.ok) throw new Error(answer.error.message);
  await l1(answer.value, SETUP);
  return answer.value;
}

async function rip(vcpu: number): Promise<bigint | undefined> {
  return (await l1(vcpu, [{ op: "vmread", field: GUEST_RIP }]))[0]?.value;
}

describe("an L0 with a journal that is killed", () => {
  test("goes on with its vcpus where they were: nothing on a CPU is lost, or flushed without need", async () => {
    await startLab(true);
    const vcpu = await created(0);
    await l1(vcpu, [{ op: "vmwrite", field: GUEST_RIP, value: 0x1234n }]);
    expect(await lab.client.placeVcpu(vcpu, 1)).toMatchObject({ ok: true });
    const before = await lab.client.nestedState(vcpu);
    await killL0();
    expect((await lab.client.listVcpus()).ok).toBe(false);
    await restartL0();
    expect(await lab.client.nestedState(vcpu)).toEqual(before);
    expect(await rip(vcpu)).toBe(0x1234n);
    expect(await lab.client.createVcpu({ cpu: 0 })).toMatchObject({ ok: true, value: vcpu + 1 });
    expect(await lab.client.destroyVcpu(vcpu)).toMatchObject({ ok: true });
  });

  test("at random instants under load has lost nothing that it had acknowledged", async () => {
    await startLab(true);
    const random = new RandomStream("kill -9");
    const vcpus = [await created(0), await created(1)];
    const known = new Map(vcpus.map((vcpu) => [vcpu, { acknowledged: 0n, tried: 0n }]));
    let stopped = false;
    const load = vcpus.map(async (vcpu, index) => {
      const written = known.get(vcpu) ?? { acknowledged: 0n, tried: 0n };
      for (let turn = 0; !stopped; turn++) {
        written.tried++;
        const answer = await lab.client.runL1(vcpu, [{ op: "vmwrite", field: GUEST_RIP, value: written.tried }]);
        if (answer.ok) written.acknowledged = written.tried;
        else await systemClock.sleep(10);
        if (turn % 3 === 0) await lab.client.placeVcpu(vcpu, (index + turn) % 2);
      }
    });
    for (let kill = 0; kill < KILLS; kill++) {
      await systemClock.sleep(random.below(120));
      await killL0();
      await restartL0();
      for (const [vcpu, written] of known) {
        const [before, value, after] = [written.acknowledged, await rip(vcpu), written.tried];
        expect(value).toBeGreaterThanOrEqual(before);
        expect(value).toBeLessThanOrEqual(after);
      }
    }
    stopped = true;
    await Promise.all(load);
    expect([...known.values()].every(({ acknowledged }) => acknowledged > 50n)).toBe(true);
  }, 60_000);

  test("and a CPU with it: what was there is rebuilt from the journal", async () => {
    await startLab(true, 1);
    const vcpu = await created(0);
    await l1(vcpu, [{ op: "vmwrite", field: GUEST_RIP, value: 0x77n }]);
    const { child, address } = await service(["cpu", "--id", "1", "--l0", lab.address]);
    expect(address).not.toBe("");
    await online(2);
    expect(await lab.client.placeVcpu(vcpu, 1)).toMatchObject({ ok: true });
    await killL0();
    child.kill("SIGKILL");
    const { child: again } = await service(l0Args(lab.address, true));
    lab = { ...lab, l0: again };
    // Until it is certain that CPU 1 is gone, its vcpu waits for it.
    const waiting = await lab.client.runL1(vcpu, [{ op: "vmread", field: GUEST_RIP }]);
    expect(waiting).toMatchObject({ ok: false, error: { code: "cpuUnavailable", definite: true } });
    await until("CPU 1 is lost", async () => {
      const answer = await lab.client.listCpus();
      return answer.ok && answer.value.some(({ cpu, state }) => cpu === 1 && state === "lost");
    });
    expect(await lab.client.placeVcpu(vcpu, 0)).toMatchObject({ ok: true });
    expect(await rip(vcpu)).toBe(0x77n);
  });

  test("without a journal knows nothing, and empties the CPUs that it finds", async () => {
    await startLab(false);
    const vcpu = await created(0);
    await killL0();
    await restartL0(false);
    expect(await lab.client.listVcpus()).toEqual({ ok: true, value: [] });
    expect(await lab.client.nestedState(vcpu)).toMatchObject({ ok: false, error: { code: "notFound" } });
    expect(await lab.client.createVcpu({ cpu: 0 })).toMatchObject({ ok: true });
  });

  test("a second L0 with the same journal is refused while the first one lives", async () => {
    await startLab(true, 1);
    await expect(service(l0Args("127.0.0.1:0", true))).rejects.toThrow("ended with 69");
  });
});
