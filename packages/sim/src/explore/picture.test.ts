import { CPU_MODELS, DEFAULT_CPU_MODEL } from "@vmcslab/vmx";
import { describe, expect, it } from "vitest";
import { mutantNamed } from "../mutants/index.js";
import { drawPlan } from "./draw-plan.js";
import { drawPicture } from "./picture.js";
import { recordRun } from "./picture-record.js";
import type { Plan } from "./plan.js";

const MILLISECOND = 1_000_000;

const MOVE: Plan = {
  seed: 1,
  cpus: 2,
  memoryPages: 64,
  policy: "wait",
  leaseNs: 3 * MILLISECOND,
  latency: { constant: 10_000 },
  inOrder: true,
  operations: [
    { kind: "create", vcpu: 0, cpu: 0, poolSize: 1, atNs: MILLISECOND },
    { kind: "place", vcpu: 0, cpu: 1, atNs: 2 * MILLISECOND },
  ],
  faults: [],
};

function picture(plan: Plan, mutant?: string): string[] {
  const model = CPU_MODELS[DEFAULT_CPU_MODEL];
  if (model === undefined) throw new Error("no default model");
  const saboteur = mutant === undefined ? undefined : mutantNamed(mutant)?.create();
  return drawPicture(recordRun(plan, { model, ...(saboteur === undefined ? {} : { saboteur }) }));
}

describe("a picture of a run", () => {
  it("shows a move: the clear goes to the old CPU, then the load to the new one", () => {
    const lines = picture(MOVE);
    expect(lines.slice(0, 10)).toEqual([
      "     ms  l0        cpu0      cpu1",
      "  0.030  │         up        │         L0 takes cpu0 into use",
      "         │         │         up        L0 takes cpu1 into use",
      "  1.000  ●         │         │         #1 create vcpu0 on cpu0, pool size 1",
      "         ╞═════════▶         │         #1 vmclear vmcs1(first) vmptrld vmcs1(e1) vmwrite×3",
      "         │         │         │           vmwrite×47 vmlaunch",
      "  2.000  ●         │         │         #2 move vcpu0 to cpu1",
      "         ╞═════════▶         │         #2 interrupt→exit vmclear vmcs1(e1, was launched)",
      "  2.020  ╞═════════╪═════════▶         #2 vmptrld vmcs1(e2) vmwrite×3 vmlaunch",
      expect.stringContaining("closing: "),
    ]);
  });

  it("ends a lost message before its receiver, with the fault's name, and the sender's own retry follows", () => {
    const lines = picture({
      ...MOVE,
      faults: [
        {
          at: 1.5 * MILLISECOND,
          forNs: MILLISECOND / 4 + MILLISECOND / 2,
          name: "thief",
          match: { method: "vmclear", nth: 1 },
          action: { kind: "dropRequest" },
        },
      ],
    });
    const lost = lines.findIndex((line) => line.includes("✗"));
    expect(lines[lost]).toMatch(/├──────✗ {2}│ {9}│ {9}#2 interrupt vmclear vmcs1\(e1\) resume — thief/);
    expect(lines.slice(lost + 1).some((line) => line.includes("#2 sent again"))).toBe(true);
  });

  it("has crashes, restarts and ends of leases in the columns of their nodes", () => {
    const lines = picture({
      ...MOVE,
      policy: "fence",
      faults: [
        { at: 1.5 * MILLISECOND, forNs: 0.25 * MILLISECOND, action: { kind: "crash", cpu: 0, when: "now" } },
        { at: 1.6 * MILLISECOND, forNs: 20 * MILLISECOND, action: { kind: "partition", cpu: 1 } },
      ],
      operations: [...MOVE.operations, { kind: "online", cpu: 0, atNs: 15 * MILLISECOND }],
    });
    const at = (word: string, column: number): boolean =>
      lines.some((line) => line.slice(9 + 10 * column).startsWith(word));
    expect(at("crash", 1)).toBe(true);
    expect(at("†", 1)).toBe(true);
    expect(at("restart", 1)).toBe(true);
    expect(at("cut off", 2)).toBe(true);
    expect(at("expired", 2)).toBe(true);
    expect(at("fenced", 2)).toBe(true);
    expect(lines.some((line) => line.includes("beat, and") && line.includes("partition#1"))).toBe(true);
  });

  it("marks the two events that contradict each other", () => {
    const lines = picture(MOVE, "clear-skipped");
    const marked = lines.filter((line) => line.slice(7, 8) === ">");
    expect(marked).toHaveLength(2);
    expect(marked[0]).toMatch(/> │ {9}\[1\] {7}│ {9}\[1\] vmcs\.load vmcs1\(e1\)/);
    expect(marked[1]).toMatch(/> │ {9}│ {9}\[2\] {7}\[2\] vmcs\.load vmcs1\(e2\)/);
  });

  it("fits 100 columns for 3 CPUs whatever happens, and stays short", () => {
    for (let seed = 1; seed <= 60; seed++) {
      const plan = drawPlan(seed, { cpus: 3 });
      const lines = picture(plan);
      for (const line of lines) expect([...line].length, `seed ${seed}: ${line}`).toBeLessThanOrEqual(100);
      expect(lines.length).toBeLessThan(600);
    }
  });
});
