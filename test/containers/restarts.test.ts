import { systemClock } from "@vmcslab/runtime";
import { connect } from "nats";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFailed, test } from "vitest";
import { type HistoryEvent, type StartedVmcslabHost, VmcslabHost } from "vmcslab/testcontainers";
import { buildImage, missing } from "./engine.js";
import { enterL2 } from "./guest.js";

let host: StartedVmcslabHost;

/** A guest's whole life: events of L0 and of two CPUs. */
async function useHost(): Promise<void> {
  const vcpu = await enterL2(host.l0, 0);
  expect(await host.l0.placeVcpu(vcpu, 1)).toMatchObject({ ok: true });
  expect(await host.l0.destroyVcpu(vcpu)).toMatchObject({ ok: true });
}

/** Has everything published, and waits until trace has it. */
async function tracedSources() {
  const flushed = await host.l0.flushHost();
  if (!flushed.ok) throw new Error(flushed.error.message);
  expect(flushed.value.silent).toEqual([]);
  const isTraced = async () => {
    const counts = await host.trace.counts();
    if (!counts.ok) return [counts.error.message];
    const { sources } = counts.value;
    return flushed.value.positions.filter(
      (position) =>
        !sources.some(
          (known) =>
            known.source === position.source &&
            known.incarnation === position.incarnation &&
            known.published >= position.published,
        ),
    );
  };
  await expect.poll(isTraced, { timeout: 15_000 }).toEqual([]);
  const counts = await host.trace.counts();
  if (!counts.ok) throw new Error(counts.error.message);
  return counts.value.sources;
}

async function expectNothingLost(): Promise<void> {
  for (const source of await tracedSources()) expect(source).toMatchObject({ lost: 0, stored: source.published });
}

describe.skipIf(missing !== "")(`restarts of a host in containers (cpus=2, pool=2), needs docker${missing}`, () => {
  beforeAll(async () => {
    buildImage();
    host = await new VmcslabHost().withCpus(2).withPoolSize(2).withHostName("restarting").start();
  }, 300_000);
  afterAll(() => host?.stop());
  beforeEach(() => {
    onTestFailed(async () => console.error(await host.logs()));
  });

  test("events are read from JetStream, each source's without a gap", async () => {
    await useHost();
    const sources = await tracedSources();
    const last = new Map<string, number>();
    const complete = () => sources.every(({ source, published }) => last.get(source) === published);
    for await (const { source, seq } of host.events()) {
      expect(seq).toBe((last.get(source) ?? 0) + 1);
      last.set(source, seq);
      if (complete()) break;
    }
    expect([...last.keys()].sort()).toEqual(["cpu0", "cpu1", "l0"]);
  });

  test("the stream is the server's, and trace is a durable consumer of it", async () => {
    const connection = await connect({ servers: host.addresses.nats, ...host.natsOptions });
    try {
      const manager = await connection.jetstreamManager();
      const { config, state } = await manager.streams.info("VMCSLAB");
      expect(config).toMatchObject({ subjects: ["vmcslab.>"], storage: "file" });
      expect(state.messages).toBeGreaterThan(0);
      const consumer = await manager.consumers.info("VMCSLAB", "trace");
      expect(consumer.config.durable_name).toBe("trace");
      expect(consumer.ack_floor.stream_seq).toBeGreaterThan(0);
    } finally {
      await connection.close();
    }
  });

  test("a CPU: it registers again, and the host works", async () => {
    await host.restartCpu(1);
    await useHost();
    await expectNothingLost();
  });

  test("trace, after kill -9: what was published while it was away is stored, and its counts go on", async () => {
    const before = await tracedSources();
    await host.kill("trace");
    await useHost();
    await host.restartTrace();
    await expectNothingLost();
    const after = await tracedSources();
    for (const { source, incarnation, stored } of before) {
      const now = after.find((count) => count.source === source && count.incarnation === incarnation);
      expect(now?.stored).toBeGreaterThanOrEqual(stored);
    }
  });

  test("NATS, after kill -9: L0 answers when its journal is there again, services buffer, and nothing is lost", async () => {
    await host.kill("nats");
    let isAnswered = false;
    const used = useHost().finally(() => {
      isAnswered = true;
    });
    await systemClock.sleep(1000);
    expect(isAnswered).toBe(false);
    await host.restartNats();
    await used;
    await expectNothingLost();
  });

  test("a CPU, after kill -9: what it had not published is published by its next life", async () => {
    await useHost();
    await host.killCpu(0);
    await host.restartCpu(0);
    await expectNothingLost();
    const lives = (await tracedSources()).filter(({ source }) => source === "cpu0");
    expect(lives.length).toBeGreaterThan(1);
    expect(lives.slice(0, -1).map(({ ended }) => ended)).not.toContain(false);
  });

  test("L0, after kill -9: its vcpus go on, and what was acknowledged is there", async () => {
    const vcpu = await enterL2(host.l0, 0);
    const before = await host.l0.nestedState(vcpu);
    await host.kill("l0");
    await host.restartL0();
    expect(await host.l0.listVcpus()).toMatchObject({ ok: true, value: [{ vcpu, cpu: 0, guestMode: true }] });
    expect(await host.l0.nestedState(vcpu)).toEqual(before);
    expect(await host.l0.placeVcpu(vcpu, 1)).toMatchObject({ ok: true });
    expect(await host.cpu(1).state()).toMatchObject({ ok: true, value: { nonRoot: true } });
    expect(await host.l0.destroyVcpu(vcpu)).toMatchObject({ ok: true });
    await expectNothingLost();
    const lives = (await tracedSources()).filter(({ source }) => source === "l0");
    expect(lives.map(({ ended }) => ended).filter((ended) => !ended)).toHaveLength(1);
  });

  test("L0 without a journal, after kill -9: its vcpus are gone, every CPU registers again and is reset", async () => {
    await using forgetful = await new VmcslabHost().withCpus(2).withJournal("none").start();
    const vcpu = await enterL2(forgetful.l0, 0);
    await forgetful.kill("l0");
    await forgetful.restartL0();
    expect(await forgetful.l0.listVcpus()).toEqual({ ok: true, value: [] });
    expect(await forgetful.l0.nestedState(vcpu)).toMatchObject({ ok: false, error: { code: "notFound" } });
    for (const cpu of [0, 1]) {
      expect(await forgetful.cpu(cpu).state()).toMatchObject({ ok: true, value: { text: "current:none active:[]" } });
    }
    const again = await enterL2(forgetful.l0, 1);
    expect(await forgetful.l0.destroyVcpu(again)).toMatchObject({ ok: true });
    const sessions = new Set<number>();
    const isOfL0 = ({ source, incarnation }: HistoryEvent) => source === "l0" && sessions.add(incarnation).size === 2;
    await forgetful.event(isOfL0);
  });
});
