import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DEFAULT_DESIGN } from "@vmcslab/nested";
import { afterAll, expect, it } from "vitest";
import { defaultCosts, runsFolder } from "../../../test-support/simulated-run.js";
import type { RunningTarget } from "../target.js";
import { launchSimulated } from "./launch.js";

const runs = runsFolder();
afterAll(() => runs.remove());

let hosts = 0;
async function start(): Promise<RunningTarget> {
  const historyDir = join(runs.path, `${++hosts}`);
  mkdirSync(historyDir);
  const machine = { lostCpu: "wait", design: DEFAULT_DESIGN, faults: [], lease: "100ms" } as const;
  const folders = { historyDir, logsDir: historyDir };
  const options = { cpus: 2, poolSize: 1, hostName: "h", logLevel: "warn", ...machine, ...folders };
  return await launchSimulated(options, { faults: [], seed: 1, costModel: defaultCosts() });
}

/** Cycles of one operation, and its round trips. */
async function cost(
  target: RunningTarget,
  operation: () => Promise<object>,
): Promise<[cycles: number, trips: unknown]> {
  const { simulated } = target;
  if (simulated === undefined) throw new Error("not simulated");
  const startNs = simulated.clock.monoNs();
  const answer = await operation();
  expect(answer).toMatchObject({ ok: true });
  return [(simulated.clock.monoNs() - startNs) * simulated.costModel.ghz, simulated.roundTripsOf(answer)];
}

it("a move costs what docs/costs.md adds up: two round trips, the IPI, and both CPUs", async () => {
  const target = await start();
  await target.host.createVcpu({ cpu: 0 });
  expect(await cost(target, () => target.host.placeVcpu(0, 1))).toEqual([5_830, 2]);
  // Nobody is interrupted on CPU 0 when CPU 1's own vcpu works there.
  const { exit, entry, vmread } = defaultCosts().rows;
  const [cycles, trips] = await cost(target, () =>
    target.host.guestExit({ vcpu: 0, reason: 10, qualification: 0n, guest: [] }),
  );
  expect(trips).toBe(1);
  expect(cycles).toBeGreaterThanOrEqual(exit.cycles + entry.cycles);
  expect(cycles).toBeLessThan(exit.cycles + entry.cycles + 20 * vmread.cycles);
  await target.stop();
});

it("what waits for one CPU waits: two vcpus there take turns, a third elsewhere does not", async () => {
  const target = await start();
  for (const cpu of [0, 0, 1]) await target.host.createVcpu({ cpu });
  const endedNs = await Promise.all(
    [0, 1, 2].map(async (vcpu) => {
      await target.host.guestExit({ vcpu, reason: 10, qualification: 0n, guest: [] });
      return target.simulated?.clock.monoNs() ?? 0;
    }),
  );
  expect(endedNs[2]).toBeLessThan(endedNs[1] ?? 0);
  expect(endedNs[0]).toBeLessThan(endedNs[1] ?? 0);
  await target.stop();
});

it("what the recording says: every source to its last event, one clock, nothing lost", async () => {
  const target = await start();
  const settlement = await target.settle();
  expect(settlement).toMatchObject({ silent: [], sharedClock: true, events: { lost: 0 } });
  expect(settlement.positions.map(({ source }) => source).sort()).toEqual(["cpu0", "cpu1", "l0"]);
  expect(settlement.events.published).toBe(settlement.positions.reduce((sum, { published }) => sum + published, 0));
  await target.stop();
});
