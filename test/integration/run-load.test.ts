/** Loads on a host of processes. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { vmcslab } from "./cli-process.js";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "vmcslab-load-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function run(name: string, text: string) {
  const file = join(folder, `${name}.yaml`);
  writeFileSync(file, `name: ${name}\nseed: 7\n${text}`);
  const args = ["run", file, "--json", "-q", "--runs-dir", folder];
  const { exitCode, stdout } = await vmcslab(args);
  const result = JSON.parse(stdout);
  expect({ exitCode, verdict: result.verdict, failures: result.failures }).toEqual({
    ...{ exitCode: 0, verdict: "valid", failures: [] },
  });
  return result;
}

it("open model: a CPU that stands still shows in the response time of all that was due meanwhile, not in the service time", async () => {
  const result = await run(
    "stalled",
    `machine: { cpus: 2, vcpus: 1 }
workload: { migrate: { duration: 3500ms, warmup: 20 units, load: { open: { rate: 20/s, arrivals: constant } } } }
faults: [{ on: { event: vcpu.placed, nth: 40 }, for: 1s, do: { stall: { cpu: 1 } } }]
thresholds: { load.unfinished: "== 0", load.responseUs.max: "> 800ms" }
`,
  );
  const { serviceUs, responseUs, generator, ...load } = result.load;
  expect(load).toMatchObject({ model: "open", ratePerSecond: 20, intended: 70, sent: 70, done: 70, unfinished: 0 });
  // Some 20 of 70 were due in the second in which the vcpu waited for the CPU; all but one of them waited in line.
  expect(responseUs.p90).toBeGreaterThan(400_000);
  expect(serviceUs.p90).toBeLessThan(400_000);
  expect(generator.count).toBeGreaterThan(0);
  expect(generator.note).toMatch(/^the load generator (kept up|fell behind): of \d+ units/);
  const latencies = JSON.parse(readFileSync(join(result.folder, "latencies.json"), "utf8"));
  expect(Object.keys(latencies.histograms)).toEqual(expect.arrayContaining(["load.service", "load.response"]));
});

it.each(["l1", "idle"])("closed model, vcpus that move while %s", async (state) => {
  const text = `machine: { cpus: 3, vcpus: 2 }
workload: { migrate: { while: ${state}, fieldsWritten: 6, moves: 60, warmup: 10 units } }
`;
  const { load, clears, operations } = await run(`moves-${state}`, text);
  expect(load).toMatchObject({ model: "closed", intended: 60, done: 60, warmup: { units: 10 } });
  expect(load.warmup.operations).toBeGreaterThanOrEqual(10);
  expect(operations.place.count).toBe(60);
  expect(clears.crossCpu).toBeGreaterThanOrEqual(70);
});

it.each(["vmxoff", "destroy"])("vcpus are taken down by %s, on three CPUs", async (by) => {
  const text = `machine: { cpus: 3, vcpus: 2, poolSize: 3 }
workload: { teardown: { l2Guests: 3, spread: 3, by: ${by}, repeat: 6, warmup: 2 units } }
`;
  const { load, pool, workload } = await run(`down-${by}`, text);
  expect(load).toMatchObject({ model: "closed", done: 6, unfinished: 0, warmup: { units: 2 } });
  expect(workload.facts).toEqual({ teardowns: 8, vmcs02sPerTeardown: 3 });
  expect(pool).toMatchObject({ recycles: 0, allocations: 24, frees: 24 });
});
