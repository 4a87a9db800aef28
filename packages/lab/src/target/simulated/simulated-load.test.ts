/** Loads on a simulated host: in virtual time an open model is exact, and vcpus go on under faults. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { runsFolder, simulate } from "../../../test-support/simulated-run.js";
import { parseExperiment } from "../../experiment/load.js";
import type { RunResult } from "../../run/result.js";

const runs = runsFolder();
afterAll(() => runs.remove());

async function run(text: string, seed = 7): Promise<RunResult> {
  const { experiment } = parseExperiment(`name: a\n${text}`, "a.yaml");
  return await simulate(experiment, seed, runs.path);
}

/** Of a run that had one. */
function loadOf({ load }: RunResult): NonNullable<RunResult["load"]> {
  if (load === undefined) throw new Error("there was no load");
  return load;
}

const ONE = "machine: { cpus: 2, vcpus: 1 }\n";

describe("an open model in virtual time", () => {
  it("leaves the times of every unit in load.csv, from which the result can be worked out again", async () => {
    const text = `${ONE}workload: { migrate: { moves: 200, warmup: 20 units, load: { open: { rate: 400k/s } } } }`;
    const result = await run(text);
    const [head, ...rows] = readFileSync(join(result.folder, "load.csv"), "utf8").trimEnd().split("\n");
    expect(head).toBe("phase,intended_us,sent_us,done_us");
    const units = rows.map((row) => row.split(",")).map(([phase, ...us]) => ({ phase, us: us.map(Number) }));
    const measured = units.filter(({ phase }) => phase === "measured");
    expect([units.length, measured.length]).toEqual([220, 200]);
    const mean = (times: readonly number[]) => times.reduce((sum, us) => sum + us, 0) / times.length;
    const { serviceUs, responseUs } = loadOf(result);
    expect(mean(measured.map(({ us: [, sent = 0, done = 0] }) => done - sent))).toBeCloseTo(serviceUs?.mean ?? 0, 2);
    expect(mean(measured.map(({ us: [due = 0, , done = 0] }) => done - due))).toBeCloseTo(responseUs?.mean ?? 0, 2);
    expect(readFileSync(join(result.folder, "README.md"), "utf8")).toContain("| load.csv | ");
  });

  it("is exact: a vcpu that needs longer than the distance of two arrivals falls behind by the difference each time", async () => {
    const closed = loadOf(await run(`${ONE}workload: { migrate: { moves: 100, warmup: 10 units } }`));
    const serviceUs = closed.serviceUs?.max ?? 0;
    // Every move takes the same.
    expect(closed.serviceUs).toMatchObject({ p50: serviceUs, mean: serviceUs });
    const gapUs = Math.round(serviceUs * 500) / 1_000;
    const rate = 1e6 / gapUs;
    const text = `${ONE}workload: { migrate: { moves: 100, load: { open: { rate: ${rate}/s, arrivals: constant } } } }`;
    const { responseUs, generator } = loadOf(await run(text));
    expect((responseUs?.max ?? 0) - (serviceUs + 99 * (serviceUs - gapUs))).toBeCloseTo(0, 1);
    expect(generator).toMatchObject({ fellBehind: false });
  });

  it("is exact: where vcpus are free, response time is service time, and nobody is late", async () => {
    const text = `machine: { cpus: 4, vcpus: 4 }\nworkload: { roundRobin: { duration: 20ms, load: { open: { rate: 2k/s, arrivals: constant } } } }`;
    const { serviceUs, responseUs, ...report } = loadOf(await run(text));
    expect(responseUs).toEqual(serviceUs);
    expect(report).toMatchObject({ intended: 40, done: 40, generator: { count: 39, fellBehind: false } });
    expect(report.generator?.lateUs).toEqual({ p50: 0, p90: 0, p99: 0, p999: 0, max: 0 });
  });

  it("one seed is one load; a warm-up is left out of the operations, too", async () => {
    const text = `${ONE}workload: { migrate: { duration: 10ms, fieldsWritten: 3, warmup: 5ms, load: { open: { rate: 20k/s } } } }`;
    const [first, again, other] = [await run(text), await run(text), await run(text, 8)];
    expect(again.load).toEqual(first.load);
    expect(other.load).not.toEqual(first.load);
    const { done, warmup } = loadOf(first);
    expect(first.operations.place?.count).toBe(done);
    expect(warmup.durationMs).toBe(5);
    expect(warmup.units).toBeGreaterThan(50);
    expect(Number(first.workload.facts.moves)).toBe(done + warmup.units);
    expect(first.verdict).toBe("valid");
  });
});

it("an open load that lasts as long as the faults: all that was due until then is done, and no more is due", async () => {
  const { load, faults, verdict } = await run(`machine: { cpus: 3, vcpus: 2 }
workload: { migrate: { duration: faults, load: { open: { rate: 4k/s, arrivals: constant } } } }
faults: [{ at: 10ms, for: 5ms, repeat: { times: 2, every: { constant: 20ms } }, do: { stall: { cpu: 1 } } }]`);
  expect({ verdict, faults }).toMatchObject({ verdict: "valid", faults: { injected: 2, healed: 2 } });
  // The second begins 20 ms after the first ended, at 35 ms, and ends at 40 ms; vcpus are ready a little after the beginning.
  expect(load?.intended).toBeGreaterThan(4 * 35);
  expect(load?.intended).toBeLessThanOrEqual(4 * 40);
  expect(load).toMatchObject({ sent: load?.intended, done: load?.intended, unfinished: 0 });
  expect(load?.responseUs?.max).toBeGreaterThan(3_000);
});

const FAULTS = `
faults:
  - { at: 100us, for: 60ms, do: { partition: { cpu: 1 } } }
  - { at: 80ms, for: 60ms, do: { crash: { cpu: 2 } } }
`;
const WORKLOADS = {
  "migrate while l2": "migrate: { while: l2, fieldsWritten: 5, moves: 600, load: { open: { rate: 5k/s } } }",
  "migrate while idle": "migrate: { while: idle, moves: 600 }",
  "teardown by vmxoff": "teardown: { l2Guests: 4, spread: 4, by: vmxoff, repeat: 60 }",
  "teardown by destroy": "teardown: { l2Guests: 4, spread: 4, by: destroy, repeat: 60 }",
};

it.each(
  (["fence", "kill"] as const).flatMap((lostCpu) =>
    Object.entries(WORKLOADS).map(([name, workload]) => [name, lostCpu, workload] as const),
  ),
)("%s under faults, policy %s: goes on elsewhere, and nothing is lost", async (_, lostCpu, workload) => {
  const machine = `machine: { cpus: 4, vcpus: 4, poolSize: 4, lostCpu: ${lostCpu}, lease: 20ms }\n`;
  const result = await run(`${machine}workload: { ${workload} }${FAULTS}`);
  expect(result).toMatchObject({ verdict: "valid", violations: [], gaps: [] });
  expect(result.faults?.injected).toBeGreaterThan(0);
  const { intended, done, unfinished } = loadOf(result);
  expect(done).toBeGreaterThan(0);
  expect(unfinished).toBe(intended - done);
});
