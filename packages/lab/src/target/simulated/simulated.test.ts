import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ClearFollower, type TimedClear } from "@vmcslab/history";
import { sumOfTotals } from "@vmcslab/sim";
import { afterAll, expect, it } from "vitest";
import { defaultCosts, runsFolder, simulate } from "../../../test-support/simulated-run.js";
import { checkRun } from "../../check/check-run.js";
import { openHistory, readEvents } from "../../check/open-history.js";
import { loadExperiment, parseExperiment } from "../../experiment/load.js";
import { type Override, parseSetFlag } from "../../experiment/override.js";
import type { RunResult } from "../../run/result.js";

const EXPERIMENTS = fileURLToPath(new URL("../../../../../experiments/", import.meta.url));

const runs = runsFolder();
afterAll(() => runs.remove());

function historyOf({ folder }: RunResult): Record<string, string> {
  const directory = join(folder, "history");
  return Object.fromEntries(
    readdirSync(directory).map((name) => [name, readFileSync(join(directory, name)).toString("base64")]),
  );
}

/** What of a result is not of the seed. */
function repeatable({ folder: _, startedAt: __, ...result }: RunResult): Partial<RunResult> {
  return result;
}

const MIXED = `
name: mixed
machine: { cpus: 3, vcpus: 4, lostCpu: fence, lease: 2ms }
workload:
  roundRobin: { l2Guests: 2, entries: 120, migrations: 20k/s }
faults:
  - { at: 100us, for: 5ms, do: { partition: { cpu: 1 } } }
  - { match: { method: interrupt, probability: 0.2 }, do: dropReply }
`;

it("one seed is one history and one result, byte for byte; another seed is another", async () => {
  const { experiment } = parseExperiment(MIXED, "mixed.yaml");
  const first = await simulate(experiment, 7, runs.path);
  const again = await simulate(experiment, 7, runs.path, 1_700_000_000_000_000);
  const other = await simulate(experiment, 8, runs.path);
  expect(first.verdict).toBe("valid");
  expect(Object.keys(historyOf(first)).length).toBeGreaterThanOrEqual(5);
  expect(historyOf(again)).toEqual(historyOf(first));
  expect(repeatable(again)).toEqual(repeatable(first));
  expect(historyOf(other)).not.toEqual(historyOf(first));
});

/** Those that are meant for hosts of processes. */
const SHORTER: Readonly<Record<string, readonly Override[]>> = {
  "round-robin.yaml": [parseSetFlag("workload.roundRobin.duration=1ms", "/")],
  "kill-soak.yaml": [0, 1, 2].flatMap((index) =>
    ["repeat={ times: 5, every: { constant: 700us } }", "for=100us", "at=300us"].map((set) =>
      parseSetFlag(`faults.${index}.${set}`, "/"),
    ),
  ),
};

it.each(readdirSync(EXPERIMENTS).filter((name) => name.endsWith(".yaml")))(
  "experiments/%s: the verdict that it says it has, and check reaches it too",
  async (name) => {
    const { experiment } = await loadExperiment(join(EXPERIMENTS, name), SHORTER[name] ?? []);
    const expected = /Expected verdict: (\w+)\./.exec(experiment.about ?? "")?.[1];
    const result = await simulate(experiment, 7, runs.path);
    const { verdict, faults, gaps, events } = result;
    expect({ verdict, gaps, lost: events.lost, mode: result.mode }).toEqual({
      ...{ verdict: expected, gaps: [], lost: 0, mode: "simulated" },
    });
    expect((await checkRun(result.folder, { around: 0, listedMax: 1 })).verdict).toBe(verdict);
    expect(faults?.healed).toBe(faults?.injected);
    const times = experiment.faults.map(({ repeat }) => repeat?.times ?? 1);
    expect(faults?.injected).toBe(times.reduce((sum, count) => sum + count, 0));
    for (const tally of Object.values(faults?.byKind ?? {})) expect(tally.struck).toBeGreaterThan(0);
  },
);

it("under faults vcpus go on elsewhere, and failures are listed as theirs", async () => {
  const { experiment } = await loadExperiment(join(EXPERIMENTS, "partition-fence.yaml"));
  const { failures, failureCount, workload } = await simulate(experiment, 7, runs.path);
  expect(failureCount).toBeGreaterThan(0);
  expect(failures.every(({ underFaults }) => underFaults === true)).toBe(true);
  expect(Number(workload.facts.entries)).toBeGreaterThan(2_300);
});

it("a batch that arrives again costs nothing again, and the rest is as without", async () => {
  const text =
    "name: a\nmachine: { cpus: 2, vcpus: 1 }\nworkload: { roundRobin: { entries: 20, migrations: every 3 entries } }";
  const twice = `${text}\nfaults: [{ match: { from: l0, method: batch }, do: duplicate }]`;
  const [once, again] = [text, twice].map((yaml) => parseExperiment(yaml, "a.yaml").experiment);
  if (once === undefined || again === undefined) throw new Error("no experiments");
  const plain = await simulate(once, 7, runs.path);
  const doubled = await simulate(again, 7, runs.path);
  expect(doubled.faults?.byKind.duplicate?.struck).toBeGreaterThan(50);
  const { ipiSend, ipiAck, ...executed } = plain.simulation?.cyclesByRow ?? {};
  expect(doubled.simulation?.cyclesByRow).toMatchObject(executed);
  expect(doubled.simulation?.cyclesByRow).toMatchObject({ ipiSend: Number(ipiSend) * 2, ipiAck: Number(ipiAck) * 2 });
  expect(doubled.operations).toEqual(plain.operations);
});

it("one vcpu on one CPU: all the time that passes is in the rows, to the rounding of each batch", async () => {
  const text = "name: a\nmachine: { cpus: 1, vcpus: 1 }\nworkload: { roundRobin: { entries: 50 } }";
  const { simulation, operations } = await simulate(parseExperiment(text, "a.yaml").experiment, 7, runs.path);
  if (simulation === undefined) throw new Error("not simulated");
  // Before the workload the CPU executed a VMXON.
  const spent = sumOfTotals(simulation.cyclesByRow) - defaultCosts().rows.vmxon.cycles;
  const batches = Object.values(simulation.operations).reduce(
    (sum, { count, roundTrips }) => sum + count * roundTrips.mean,
    0,
  );
  expect(Math.abs(spent / simulation.ghz - simulation.virtualNs)).toBeLessThan(batches);
  expect(operations.vmresume?.latencyUs.p50).toBe((simulation.operations.vmresume?.latencyNs.p50 ?? 0) / 1_000);
});

it("a cross-CPU clear goes through the phases that the cost model says, and they add up", async () => {
  const text =
    "name: a\nmachine: { cpus: 2, vcpus: 1 }\nworkload: { roundRobin: { entries: 20, migrations: every 3 entries } }";
  const { folder } = await simulate(parseExperiment(text, "a.yaml").experiment, 7, runs.path);
  const follower = new ClearFollower();
  const clears: TimedClear[] = [];
  for (const file of (await openHistory(folder)).files)
    for await (const event of readEvents(file)) {
      const clear = follower.observe(event);
      if (clear !== undefined) clears.push(clear);
    }
  const { ghz, rows } = defaultCosts();
  const ns = (...cycles: number[]): number => Math.round(cycles.reduce((sum, row) => sum + row, 0) / ghz);
  expect(clears.length).toBeGreaterThan(5);
  for (const { decidedNs, appliedNs, phasesNs, oneClock } of clears) {
    const { flush = 0, executing = -1, ...ways } = phasesNs ?? {};
    expect(oneClock).toBe(true);
    expect([ns(rows.vmclearClean.cycles), ns(rows.vmclearDirty.cycles)]).toContain(flush);
    // The guest leaves if one runs. It was the VMCS's own, so nothing is resumed.
    expect([0, ns(rows.exit.cycles)]).toContain(executing);
    const [send, ack] = [ns(rows.ipiSend.cycles), ns(rows.ipiAck.cycles)];
    expect(ways).toEqual({ queued: 0, wire: send, waiting: 0, back: ack, completing: 0 });
    expect(send + executing + flush + ack).toBe(appliedNs - decidedNs);
  }
});
