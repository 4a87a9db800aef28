import { expect, test } from "vitest";
import { parseExperiment } from "../experiment/load.js";
import { setupOf } from "./setup.js";

const scopeOf = async (text: string) => {
  const loaded = parseExperiment(`name: a\nworkload: { roundRobin: { entries: 1 } }\n${text}`, "e.yaml");
  return (await setupOf(loaded, null)).scope;
};

test("what an experiment says is fixed, and what it leaves to defaults is drawn", async () => {
  expect(await scopeOf("")).toEqual({});
  expect(await scopeOf("machine: { cpus: 6, lostCpu: kill, lease: 7ms }")).toEqual({
    cpus: 6,
    policy: "kill",
    leaseNs: 7_000_000,
  });
  expect(await scopeOf("machine: { poolSize: 0 }")).toEqual({ poolSize: 0 });
  expect(await scopeOf("faults: []")).toEqual({ cpus: 4, faults: [] });
});

test("its faults come as they are, on the CPUs that they name", async () => {
  const { cpus, faults } = await scopeOf("faults: [{ at: 2ms, do: { stall: { cpu: 3 } } }]");
  expect(cpus).toBe(4);
  expect(faults).toEqual([{ at: 2_000_000, forNs: 1_000_000_000, action: { kind: "stall", cpu: 3 } }]);
});

test("a mutant that is not there is refused with the nearest", async () => {
  await expect(setupOf(undefined, "clear-skiped")).rejects.toThrow('did you mean "clear-skipped"?');
  expect(await setupOf(undefined, "clear-skipped")).toMatchObject({ mutant: "clear-skipped", scope: {} });
});
