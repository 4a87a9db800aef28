import { describe, expect, it } from "vitest";
import { after, check, findings, type Labelled, number, told, until } from "../../test-support/labelled.js";
import { A, B, LIFE } from "../../test-support/story.js";
import type { HistoryEvent } from "../event.js";

const FENCED = told("l0", "fences CPU 0", { kind: "cpu.fenced", cpu: 0, epoch: 1 });
const EXPIRED = told("cpu0", "lease ends", { kind: "lease.expired", cpu: 0, epoch: 1, count: 2 });
const LOST: readonly Labelled[] = [
  ...[A, B].map((vmcs) => told("l0", `loses ${vmcs.vmcs}`, { kind: "vmcs.lost", cpu: 0, ...vmcs })),
  told("l0", "loses CPU 0", { kind: "cpu.lost", cpu: 0, count: 2 }),
];
const USES: readonly Labelled[] = [
  told("cpu0", "uses B", { kind: "vmcs.load", cpu: 0, region: B.region, epoch: 1, activated: true, digest: 1 }),
  told("cpu0", "uses B", { kind: "vmcs.write", cpu: 0, region: B.region, count: 1 }),
  told("cpu0", "uses B", { kind: "vm.entry", cpu: 0, region: B.region, instruction: "vmresume" }),
  told("cpu0", "uses B", { kind: "vm.exit", cpu: 0, region: B.region, reason: 1 }),
  told("cpu0", "uses B", { kind: "vmcs.clear", cpu: 0, region: B.region, epoch: 1, active: true, digest: 21 }),
];

/** vcpu 0 is in L2 on CPU 0, and then this happens. */
function inL2(...then: readonly Labelled[]): Labelled[] {
  return after(until(LIFE, "l0 ends enter"), "l0 ends enter", ...then);
}

/** The events of a story with CPU 0 this much ahead or behind by its clock. */
function skewed(story: readonly Labelled[], byNs: number): HistoryEvent[] {
  return number(story).map((event) => (event.source === "cpu0" ? { ...event, monoNs: event.monoNs + byNs } : event));
}

const rules = (events: Iterable<HistoryEvent>, sharedClock: boolean): string[] =>
  check(events, true, { sharedClock }).violations.map(({ rule }) => rule);

describe("a CPU whose fence deadline has passed", () => {
  it.each(USES)("$fact.kind after it", (use) => {
    expect(findings(inL2(FENCED, ...LOST, use))).toEqual(["outlives-lease: l0 fences CPU 0 | cpu0 uses B"]);
  });

  it.each(USES)("$fact.kind before it by the shared clock, heard of later, is no violation", (use) => {
    const story = inL2(FENCED, ...LOST, use);
    expect(rules(skewed(story, -6), true)).toEqual([]);
  });

  it("is found when the use stands before the fence in the history, and was later by the clock", () => {
    const [write] = USES.slice(1);
    if (write === undefined) throw new Error("there is a write");
    const story = inL2(write, FENCED, ...LOST);
    expect(rules(number(story), true)).toEqual([]);
    expect(rules(skewed(story, 5), true)).toEqual(["outlives-lease"]);
  });

  it("is not judged by clocks that are not one", () => {
    expect(findings(inL2(FENCED, ...LOST, ...USES), true, { sharedClock: false })).toEqual([]);
  });

  it("is one finding, certain though the CPU was lost with its last words, and names VMCS and CPU", () => {
    const { violations, verdict, posthumous } = check(number(inL2(FENCED, ...LOST, ...USES)), true, {
      sharedClock: true,
    });
    expect(violations).toMatchObject([{ invariant: 1, vmcs: 2, cpus: [0], certain: true }]);
    expect(violations[0]?.message).toBe("VMCS 2 (0x2000) is loaded on CPU 0 after its fence deadline, 0.000 ms before");
    expect({ verdict, posthumous }).toEqual({ verdict: "invalid", posthumous: USES.length });
  });

  it("may use what it likes in a new life", () => {
    const anew = told("l0", "registers CPU 0 again", { kind: "cpu.registered", cpu: 0, epoch: 2 });
    const next = [told("cpu0", "vmxon again", { kind: "vmx.on", cpu: 0, region: 0xf000 }), ...USES.slice(0, 1)].map(
      (use) => ({ ...use, fact: { ...use.fact, epoch: 2 }, incarnation: 2 }),
    );
    expect(findings(inL2(FENCED, ...LOST, anew, ...next))).toEqual([]);
  });

  it("ends what counts at the fence: what it does before L0 has declared it lost is posthumous", () => {
    const [lost, ...rest] = LOST;
    const clear = USES.at(-1);
    const reload = told("cpu1", "rebuilds", {
      ...{ kind: "vmcs.load", cpu: 1, region: A.region, epoch: 2, activated: true, digest: 99, launched: false },
    });
    if (lost === undefined || clear === undefined) throw new Error("there are both");
    const report = check(
      number(inL2(FENCED, lost, { ...clear, fact: { ...clear.fact, region: A.region } }, ...rest, reload)),
    );
    expect(report).toMatchObject({ violations: [], posthumous: 1 });
  });
});

describe("a CPU whose own lease has ended", () => {
  it.each(USES)("$fact.kind after it, by sequence, whatever the clocks", (use) => {
    const story = inL2(EXPIRED, use);
    expect(findings(story, true, { sharedClock: false })).toEqual(["outlives-lease: cpu0 lease ends | cpu0 uses B"]);
  });

  it("holds nothing: its VMCSs are rebuilt elsewhere once they are declared lost", () => {
    const rebuilt = [A, B].map(({ region }) =>
      told("cpu1", `rebuilds ${region}`, {
        ...{ kind: "vmcs.load", cpu: 1, region, epoch: 2, activated: true, digest: 99, launched: false },
      }),
    );
    expect(findings(inL2(EXPIRED, FENCED, ...LOST, ...rebuilt))).toEqual([]);
    // It dropped them without a write-back, so that without the declaration they are lost updates.
    expect(findings(inL2(EXPIRED, ...rebuilt))).toEqual([
      "lost-update: cpu0 lease ends | cpu1 rebuilds 4096",
      "lost-update: cpu0 lease ends | cpu1 rebuilds 8192",
    ]);
  });

  it("told its own end: that it was lost leaves nothing in doubt", () => {
    const twice = told("cpu1", "loads B", {
      ...{ kind: "vmcs.load", cpu: 1, region: B.region, epoch: 2, activated: true, digest: 20, launched: false },
    });
    for (const end of [
      [EXPIRED, ...LOST],
      [...LOST, EXPIRED],
    ])
      expect(check(number(inL2(twice, ...end))).violations).toMatchObject([{ rule: "active-twice", certain: true }]);
  });
});

describe("what else comes with fences", () => {
  it("a refused write-back, a killed vcpu and faults break no rule", () => {
    const story = inL2(
      { ...told("faults", "begins", { kind: "fault.injected", cause: "cut", instruction: "partition", cpu: 0 }) },
      FENCED,
      ...LOST,
      told("l0", "refuses", { kind: "writeback.refused", cpu: 0, epoch: 1, ...B }),
      told("l0", "kills", { kind: "vcpu.killed", vcpu: 0, cpu: 0 }),
      // A new life of the injector is no new life of L0, which would forget its open operations.
      { ...told("faults", "ends", { kind: "fault.healed", cause: "cut", cpu: 0, count: 3 }), incarnation: 2 },
      told("l0", "begins", { kind: "op.begin", operation: 9, instruction: "place" }),
    );
    const report = check(number(story));
    expect(report.violations.map(({ rule }) => rule)).toEqual(["never-ended"]);
    expect(report).toMatchObject({ indefinite: { total: 0 }, verdict: "invalid" });
    expect(report.perKind).toMatchObject({ "fault.injected": 1, "fault.healed": 1, "writeback.refused": 1 });
  });

  it("invariant 7 holds for a killed vcpu once L0 says that it is destroyed", () => {
    const killed = told("l0", "kills", { kind: "vcpu.killed", vcpu: 0, cpu: 0 });
    const destroyed = told("l0", "destroyed", { kind: "vcpu.destroyed", vcpu: 0 });
    expect(findings(inL2(...LOST, killed))).toEqual([]);
    expect(findings(inL2(...LOST, killed, destroyed))).toEqual([
      "outlives-allocated: l0 allocates A | l0 destroyed",
      "outlives-allocated: l0 allocates B | l0 destroyed",
    ]);
  });

  it("events of faults alone are no history of a host", () => {
    const fault = told("faults", "begins", { kind: "fault.injected", cause: "cut" });
    expect(check(number([fault]))).toMatchObject({ verdict: "unknown", doubts: ["there are no events of L0"] });
  });
});
