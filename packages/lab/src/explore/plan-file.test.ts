import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { drawPlan, type Plan } from "@vmcslab/sim";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type PlanFile, parsePlanFile, readPlanFile, writePlanFile } from "./plan-file.js";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "vmcslab-plan-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const FOUND = { mutant: null, cpuModel: "tigerlake", rule: "leak", message: "one page", digest: "0123456789abcdef" };

async function thereAndBack(plan: Plan): Promise<PlanFile> {
  const file = join(folder, "plan.json");
  await writePlanFile(file, { ...FOUND, plan });
  return await readPlanFile(file);
}

/** What is not there, and what is undefined, is the same to whoever runs it. */
const plain = (plan: Plan): unknown => JSON.parse(JSON.stringify(plan));

describe("a plan file", () => {
  it("holds every drawn plan exactly", async () => {
    for (let seed = 1; seed <= 150; seed++) {
      const plan = drawPlan(seed);
      const { plan: read, ...found } = await thereAndBack(plan);
      expect(plain(read), `seed ${seed}`).toEqual(plain(plan));
      expect(found).toEqual(FOUND);
    }
  });

  it("holds what only experiments have: names, events, measured delays, odd times", async () => {
    const faults: Plan["faults"] = [
      {
        name: "slow",
        at: 1,
        forNs: 1_234_567,
        match: {},
        action: { kind: "delay", delay: { empirical: [1, 250_003] } },
      },
      { on: { event: "ipi.sent", nth: 2 }, forNs: 5, match: { from: "cpu" }, action: { kind: "reorder", byNs: 999 } },
      { at: 0, action: { kind: "clockSkew", clock: 1, ppm: -7, offsetNs: -1_500_001 } },
      { at: 0, match: {}, action: { kind: "delay", delay: { logNormal: { p50: 1_000, p99: 20_000 } } } },
    ];
    const plan: Plan = { ...drawPlan(1), cpus: 3, faults };
    expect((await thereAndBack({ ...plan, operations: [] })).plan.faults).toMatchObject(faults);
  });

  it("is written as people write it", async () => {
    await thereAndBack({
      ...drawPlan(1),
      cpus: 2,
      operations: [{ kind: "place", vcpu: 0, cpu: 1, atNs: 1_500_000 }],
      faults: [{ at: 2_000_000, forNs: 5_000, action: { kind: "stall", cpu: 1 } }],
    });
    const { plan } = JSON.parse(readFileSync(join(folder, "plan.json"), "utf8"));
    expect(plan.operations).toEqual([{ at: "1.5ms", do: "place", vcpu: 0, cpu: 1 }]);
    expect(plan.faults).toEqual([{ at: "2ms", for: "5us", do: { stall: { cpu: 1 } } }]);
  });

  it("is refused with the place that is wrong", async () => {
    await thereAndBack({ ...drawPlan(1), cpus: 2, operations: [{ kind: "vmxoff", vcpu: 0, atNs: 1 }], faults: [] });
    const text = readFileSync(join(folder, "plan.json"), "utf8");
    const edited = (from: string | RegExp, to: string) => parsePlanFile(text.replace(from, to), "p.json");
    await expect(edited("{", "")).rejects.toThrow("p.json: this is not JSON: ");
    await expect(edited("vmcslab.plan/v1", "vmcslab.result/v1")).rejects.toThrow(
      'p.json: this is not a plan of `vmcslab explore`: its schema is "vmcslab.result/v1", not "vmcslab.plan/v1"',
    );
    await expect(parsePlanFile("[]", "p.json")).rejects.toThrow("it has no schema");
    await expect(edited('"vmxoff"', '"vmxof"')).rejects.toThrow('did you mean "vmxoff"?');
    await expect(edited('"cpus": 2', '"cpus": 0')).rejects.toThrow("p.json: plan.cpus: must be a whole number");
    await expect(edited('"seed"', '"sed"')).rejects.toThrow("plan.seed: is missing");
    await expect(edited('"vcpu": 0', '"vcpu": 0, "cpu": 1')).rejects.toThrow('unknown key "cpu"');
    await expect(edited('"at": "0.001us"', '"at": 1')).rejects.toThrow("a duration needs a unit");
    await expect(edited('"faults": []', '"faults": [{ "do": { "stall": { "cpu": 2 } } }]')).rejects.toThrow(
      "p.json: plan.faults.0.do.stall.cpu: there is no CPU 2",
    );
    await expect(edited('"faults": []', '"faults": [{ "do": { "stal": { "cpu": 1 } } }]')).rejects.toThrow(
      'did you mean "stall"?',
    );
    await expect(
      edited('"faults": []', '"faults": [{ "match": {}, "do": { "delay": { "empirical": ["soon"] } } }]'),
    ).rejects.toThrow("plan.faults.0.do.delay.empirical: must be durations");
    await expect(
      edited('"operations": [', '"operations": [{ "at": "1ms", "do": "offline", "cpu": 2 },'),
    ).rejects.toThrow("plan.operations.0.cpu: there is no CPU 2: plan.cpus is 2");
  });

  it("that is not there, or cannot be written, is said so", async () => {
    await expect(readPlanFile("/nowhere/p.json")).rejects.toThrow("there is no such file");
    await expect(writePlanFile("/nowhere/p.json", { ...FOUND, plan: drawPlan(1) })).rejects.toThrow(
      "cannot be written",
    );
  });
});
