import { systemClock } from "@vmcslab/runtime";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFailed, test } from "vitest";
import { type StartedVmcslabHost, VmcslabHost } from "vmcslab/testcontainers";
import { vmcslab } from "../integration/cli-process.js";
import { buildImage, missing } from "./engine.js";
import { enterL2 } from "./guest.js";

let host: StartedVmcslabHost;

async function elapsedMs(work: () => Promise<unknown>): Promise<number> {
  const start = systemClock.monoNs();
  await work();
  return (systemClock.monoNs() - start) / 1e6;
}

describe.skipIf(missing !== "")(`a CPU that fails, in containers (cpus=3, pool=1), needs docker${missing}`, () => {
  beforeAll(async () => {
    buildImage();
    host = await new VmcslabHost().withCpus(3).withHostName("failing").start();
  }, 300_000);
  afterAll(() => host?.stop());
  beforeEach(() => {
    onTestFailed(async () => console.error(await host.logs()));
  });

  test("paused: a clear there is indefinite, and is finished when it goes on", async () => {
    const vcpu = await enterL2(host.l0, 0);
    await host.pauseCpu(0);
    const moved = await host.l0.placeVcpu(vcpu, 1);
    expect(moved).toMatchObject({ ok: false, error: { definite: false } });
    await host.unpauseCpu(0);
    await expect.poll(() => host.l0.placeVcpu(vcpu, 1), { timeout: 10_000 }).toMatchObject({ ok: true });
    expect(await host.cpu(1).state()).toMatchObject({ ok: true, value: { nonRoot: true } });
    expect(await host.l0.destroyVcpu(vcpu)).toMatchObject({ ok: true });
  });

  test("killed: what it cached is recorded as lost, and it is used again after a restart", async () => {
    const vcpu = await enterL2(host.l0, 1);
    const before = await host.cpu(1).state();
    await host.killCpu(1);
    await host.restartCpu(1);
    const after = await host.cpu(1).state();
    if (!before.ok || !after.ok) throw new Error("no state");
    expect(after.value.incarnation).toBeGreaterThan(before.value.incarnation);
    const { incarnation } = before.value;
    const lost = await host.event(({ kind, cpu }) => kind === "cpu.lost" && cpu === 1);
    expect(lost.count).toBeGreaterThanOrEqual(1);
    const registered = await host.event(
      ({ kind, cpu, epoch }) => kind === "cpu.registered" && cpu === 1 && (epoch ?? 0) > incarnation,
    );
    expect(registered.lamport).toBeGreaterThan(lost.lamport);
    expect(await host.l0.placeVcpu(vcpu, 2)).toMatchObject({ ok: true });
    expect(await host.l0.destroyVcpu(vcpu)).toMatchObject({ ok: true });
    const another = await host.l0.createVcpu({ cpu: 1 });
    if (!another.ok) throw new Error(another.error.message);
    expect(await host.l0.destroyVcpu(another.value)).toMatchObject({ ok: true });
  });

  test("partitioned: silence, no vcpu is lost, and healing is enough", async () => {
    const vcpu = await enterL2(host.l0, 2);
    await host.partitionCpu(2);
    const moved = await host.l0.placeVcpu(vcpu, 0);
    expect(moved).toMatchObject({ ok: false });
    // Tests reach it as before.
    expect(await host.cpu(2).state()).toMatchObject({ ok: true, value: { cpu: 2 } });
    await host.healCpu(2);
    await expect.poll(() => host.l0.placeVcpu(vcpu, 0), { timeout: 10_000 }).toMatchObject({ ok: true });
    expect(await host.cpu(0).state()).toMatchObject({ ok: true, value: { nonRoot: true } });
    expect(await host.l0.destroyVcpu(vcpu)).toMatchObject({ ok: true });
  });

  test("slow: what L0 asks of it takes longer by the delay, each way, until it is healed", async () => {
    const vcpu = await enterL2(host.l0, 0);
    await host.slowCpu(0, { latencyMs: 150, jitterMs: 10 });
    expect(await elapsedMs(() => host.l0.placeVcpu(vcpu, 1))).toBeGreaterThan(300);
    await host.healCpu(0);
    expect(await host.l0.placeVcpu(vcpu, 0)).toMatchObject({ ok: true });
    expect(await elapsedMs(() => host.l0.placeVcpu(vcpu, 1))).toBeLessThan(300);
    expect(await host.l0.destroyVcpu(vcpu)).toMatchObject({ ok: true });
  });

  test("an experiment's faults that a process 1 cannot do to itself are refused, with the reason, before anything runs", async () => {
    const { l0, trace } = host.addresses;
    const args = ["run", "experiments/faults/stall.yaml", "--cpus", "3", "--quiet"];
    const where = ["--attach", l0, "--trace", trace, "--tls-dir", host.tlsDirectory];
    const { exitCode, stdout, stderr } = await vmcslab([...args, ...where]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 64, stdout: "" });
    expect(stderr).toContain("fault still: process 1 of a container ignores such signals from inside");
    expect(await host.l0.listVcpus()).toEqual({ ok: true, value: [] });
  });
});
