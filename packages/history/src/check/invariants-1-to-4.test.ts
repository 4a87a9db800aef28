import { describe, expect, it } from "vitest";
import { after, changed, check, findings, moved, number, told, until, without } from "../../test-support/labelled.js";
import { A, B, LIFE } from "../../test-support/story.js";

it("a vcpu's whole life, with L2 and a migration, is valid and leaves no doubt", () => {
  const report = check(number(LIFE));
  expect(report.violations).toEqual([]);
  expect(report).toMatchObject({ verdict: "valid", doubts: [], lost: 0, duplicates: 0, events: LIFE.length });
});

describe("invariant 1: active on at most one CPU", () => {
  it("a migration without the clear is a load on one CPU while active on another", () => {
    expect(findings(until(without(LIFE, "cpu0 clears B"), "l0 ends place"))).toEqual([
      "active-twice: cpu0 loads B | cpu1 loads B",
    ]);
  });

  it("a load before the other CPU's clear is found even when the clear follows", () => {
    const swapped = moved(LIFE, "cpu0 clears B", "cpu1 loads B");
    expect(findings(until(swapped, "cpu1 launches B"), false)).toEqual(["active-twice: cpu0 loads B | cpu1 loads B"]);
  });

  it("names the VMCS and both CPUs", () => {
    const [violation] = check(number(without(LIFE, "cpu0 clears B"))).violations;
    expect(violation).toMatchObject({ invariant: 1, vmcs: 2, cpus: [0, 1], certain: true });
    expect(violation?.message).toBe("VMCS 2 (0x2000) is loaded on CPU 1 while it is active on CPU 0");
  });

  it.each(["before", "after"])(
    "a CPU that was lost holds nothing any more, its VMCSs being declared lost %s it",
    (order) => {
      const cpuLost = told("l0", "loses CPU 0", { kind: "cpu.lost", cpu: 0, count: 2 });
      const vmcssLost = [A, B].map((vmcs) => told("l0", `loses ${vmcs.vmcs}`, { kind: "vmcs.lost", cpu: 0, ...vmcs }));
      const lost = order === "before" ? [...vmcssLost, cpuLost] : [cpuLost, ...vmcssLost];
      const withoutClears = without(without(LIFE, "cpu0 clears B"), "cpu0 clears A");
      expect(findings(after(withoutClears, "cpu0 leaves B for the move", ...lost))).toEqual([]);
    },
  );

  it("what a lost CPU still does is counted, and judged by nobody", () => {
    const posthumous = [
      told("l0", "loses CPU 0", { kind: "cpu.lost", cpu: 0, count: 0 }),
      told("cpu0", "dreams", { kind: "vmcs.load", cpu: 0, region: B.region, epoch: 1, activated: true, digest: 1 }),
    ];
    const report = check(number(after(until(LIFE, "l0 ends exit"), "l0 ends exit", ...posthumous)));
    expect(report).toMatchObject({ violations: [], posthumous: 1 });
  });

  it("a page that was freed and allocated again is another VMCS", () => {
    const reused = [
      told("l0", "allocates C", { kind: "vmcs.allocated", vcpu: 1, vmcs: 3, region: B.region, role: "vmcs01" }),
      told("cpu0", "loads C", { kind: "vmcs.load", cpu: 0, region: B.region, epoch: 1, activated: true, digest: 99 }),
    ];
    expect(findings(after(LIFE, "l0 destroyed", ...reused))).toEqual([]);
  });
});

describe("invariant 2: VMLAUNCH when clear, VMRESUME when launched", () => {
  it("VMRESUME after a migration, which cleared it", () => {
    const story = changed(LIFE, "cpu1 launches B", { instruction: "vmresume" });
    expect(findings(story)).toEqual(["resume-not-launched: cpu1 loads B | cpu1 launches B"]);
  });

  it("VMLAUNCH of a VMCS that was launched", () => {
    const story = changed(LIFE, "cpu1 resumes A", { instruction: "vmlaunch" });
    expect(findings(story)).toEqual(["launch-not-clear: cpu1 launches A | cpu1 resumes A"]);
  });

  it.each([
    ["vmlaunch", 4],
    ["vmresume", 5],
  ])("a CPU that refuses %s with error %i says that L0 chose wrongly", (instruction, error) => {
    const refusal = told("cpu1", "refuses", {
      kind: "vm.fail",
      cpu: 1,
      region: B.region,
      instruction,
      status: "failValid",
      error,
    });
    expect(findings(after(LIFE, "cpu1 loads B", refusal))).toEqual(["entry-refused: cpu1 loads B | cpu1 refuses"]);
  });

  it("an entry refused for its control fields (error 7) is no violation", () => {
    const fail = {
      kind: "vm.fail",
      cpu: 1,
      region: B.region,
      instruction: "vmlaunch",
      status: "failValid",
      error: 7,
    } as const;
    expect(findings(after(LIFE, "cpu1 loads B", told("cpu1", "refuses", fail)))).toEqual([]);
  });

  it("an entry after the clear, when nothing is current", () => {
    const story = moved(LIFE, "cpu1 resumes A", "cpu1 clears A");
    expect(findings(until(story, "cpu1 resumes A"), false)).toEqual([
      "entry-not-current: cpu1 clears A | cpu1 resumes A",
    ]);
  });

  it("a CPU whose VMCLEAR left the VMCS launched", () => {
    const story = changed(LIFE, "cpu1 loads B", { launched: true });
    expect(findings(until(story, "cpu1 loads B"), false)).toEqual(["launch-state: cpu0 clears B | cpu1 loads B"]);
  });

  it("a CPU that clears a launched VMCS and says that it was clear", () => {
    expect(findings(changed(LIFE, "cpu0 clears B", { launched: false }))).toEqual([
      "launch-state: cpu0 launches B | cpu0 clears B",
    ]);
  });
});

describe("invariant 3: never freed or reused while active", () => {
  it("freed before the clear", () => {
    expect(findings(moved(LIFE, "cpu1 clears B", "l0 frees B"))).toEqual(["freed-active: cpu1 loads B | l0 frees B"]);
  });

  it("a page handed out again after it was freed while active is reported once", () => {
    const again = told("l0", "allocates C", {
      kind: "vmcs.allocated",
      vcpu: 1,
      vmcs: 3,
      region: B.region,
      role: "vmcs01",
    });
    const story = after(moved(LIFE, "cpu1 clears B", "l0 frees B"), "l0 frees B", again);
    expect(findings(story)).toEqual(["freed-active: cpu1 loads B | l0 frees B"]);
  });

  it("a page handed out while a CPU has it active", () => {
    const stray = told("cpu0", "loads a stray", {
      kind: "vmcs.load",
      cpu: 0,
      region: 0x9000,
      epoch: 1,
      activated: true,
      digest: 1,
    });
    const allocated = told("l0", "allocates C", {
      kind: "vmcs.allocated",
      vcpu: 1,
      vmcs: 3,
      region: 0x9000,
      role: "vmcs01",
    });
    expect(findings(after(LIFE, "l0 ends destroy", stray, allocated))).toEqual([
      "allocated-active: cpu0 loads a stray | l0 allocates C",
    ]);
  });

  it("a page handed out twice", () => {
    const again = told("l0", "allocates C", {
      kind: "vmcs.allocated",
      vcpu: 1,
      vmcs: 3,
      region: A.region,
      role: "vmcs01",
    });
    expect(findings(until(after(LIFE, "l0 allocates A", again), "l0 allocates C"), false)).toEqual([
      "allocated-twice: l0 allocates A | l0 allocates C",
    ]);
  });

  it("a freed page loaded", () => {
    const load = told("cpu1", "loads B again", {
      kind: "vmcs.load",
      cpu: 1,
      region: B.region,
      epoch: 3,
      activated: true,
      digest: 22,
    });
    expect(findings(after(LIFE, "l0 frees B", load))).toContain("loaded-freed: l0 frees B | cpu1 loads B again");
  });
});

describe("invariant 4: no update is lost", () => {
  it("a load that reads other contents than were written back", () => {
    expect(findings(changed(LIFE, "cpu1 loads B", { digest: 20 }))).toEqual([
      "stale-load: cpu0 clears B | cpu1 loads B",
    ]);
  });

  it("says what was read and what should have been", () => {
    const [violation] = check(number(changed(LIFE, "cpu1 loads B", { digest: 20 }))).violations;
    expect(violation?.message).toBe("VMCS 2 (0x2000) is read as 0x00000014 instead of 0x00000015 on CPU 1");
  });

  it("a CPU that left VMX operation with a written VMCS active took the update with it", () => {
    const off = told("cpu0", "vmxoff", { kind: "vmx.off", cpu: 0 });
    const story = after(without(LIFE, "cpu0 clears B"), "cpu0 leaves B for the move", off);
    expect(findings(until(story, "cpu1 loads B"), false)).toEqual(["lost-update: cpu0 vmxoff | cpu1 loads B"]);
  });

  it("VMXOFF by L0 with a VMCS active is wrong at once; a reset is not", () => {
    const off = told("cpu0", "vmxoff", { kind: "vmx.off", cpu: 0 });
    const byL0 = { ...off, fact: { ...off.fact, operation: 77 } };
    const story = (how: typeof off) => until(after(LIFE, "cpu0 writes B", how), "cpu0 vmxoff");
    expect(findings(story(off), false)).toEqual([]);
    expect(findings(story(byL0), false)).toEqual([
      "vmxoff-active: cpu0 loads A | cpu0 vmxoff",
      "vmxoff-active: cpu0 loads B | cpu0 vmxoff",
    ]);
  });

  it("a VMCLEAR that found nothing active, on the CPU that had it, wrote nothing back", () => {
    const story = changed(LIFE, "cpu0 clears B", { active: false });
    expect(findings(story)).toEqual(["lost-update: cpu0 clears B | cpu1 loads B"]);
  });

  it("a VMCS declared lost may be rebuilt with other contents", () => {
    const lost = [
      told("cpu0", "vmxoff", { kind: "vmx.off", cpu: 0 }),
      told("l0", "loses B", { kind: "vmcs.lost", cpu: 0, ...B }),
    ];
    const story = after(without(LIFE, "cpu0 clears B"), "cpu0 leaves B for the move", ...lost);
    expect(findings(until(changed(story, "cpu1 loads B", { digest: 77 }), "cpu1 loads B"), false)).toEqual([]);
  });

  it("a VMCS declared lost stays so when another CPU begins a new life before its own CPU is given up", () => {
    const story = after(
      without(LIFE, "cpu0 clears B"),
      "cpu0 leaves B for the move",
      told("l0", "loses B", { kind: "vmcs.lost", cpu: 0, ...B }),
      // CPU 2 was there before, and nobody gave that life up.
      told("cpu2", "vmxon", { kind: "vmx.on", cpu: 2, region: 0x9000 }),
      { ...told("cpu2", "vmxon again", { kind: "vmx.on", cpu: 2, region: 0x9000 }), incarnation: 2 },
      told("l0", "loses CPU 0", { kind: "cpu.lost", cpu: 0, count: 1 }),
    );
    expect(findings(until(changed(story, "cpu1 loads B", { digest: 77 }), "cpu1 loads B"), false)).toEqual([]);
  });

  it("what is known of memory is not forgotten when a CPU that was given up comes back", () => {
    const story = after(
      without(LIFE, "cpu0 clears B"),
      "cpu0 leaves B for the move",
      told("cpu2", "vmxon", { kind: "vmx.on", cpu: 2, region: 0x9000 }),
      told("cpu0", "vmxoff", { kind: "vmx.off", cpu: 0 }),
      told("l0", "loses CPU 2", { kind: "cpu.lost", cpu: 2, count: 0 }),
      { ...told("cpu2", "vmxon again", { kind: "vmx.on", cpu: 2, region: 0x9000 }), incarnation: 2 },
    );
    expect(findings(until(story, "cpu1 loads B"), false)).toEqual(["lost-update: cpu0 vmxoff | cpu1 loads B"]);
  });

  it("a load that trusts a stale current pointer and reads nothing", () => {
    const story = changed(LIFE, "cpu1 loads B", { activated: false });
    expect(findings(story)).toContain("not-read: cpu1 loads B");
  });

  it("a load that reads over what is active", () => {
    const again = told("cpu1", "loads B again", {
      kind: "vmcs.load",
      cpu: 1,
      region: B.region,
      epoch: 3,
      activated: true,
      digest: 21,
    });
    expect(findings(until(after(LIFE, "cpu1 launches B", again), "cpu1 loads B again"), false)).toEqual([
      "read-again: cpu1 loads B | cpu1 loads B again",
    ]);
  });

  it("VMWRITEs while another VMCS is current", () => {
    const write = told("cpu0", "writes A", { kind: "vmcs.write", cpu: 0, region: A.region, count: 1 });
    expect(findings(until(after(LIFE, "cpu0 writes B", write), "cpu0 writes A"), false)).toEqual([
      "write-not-current: cpu0 loads B | cpu0 writes A",
    ]);
  });

  it("an activation under the epoch of the one before", () => {
    const story = changed(changed(LIFE, "cpu1 loads B", { epoch: 1 }), "cpu1 clears B", { epoch: 1 });
    expect(findings(story)).toEqual(["epoch-not-raised: cpu0 loads B | cpu1 loads B"]);
  });

  it("a write-back under an old epoch", () => {
    expect(findings(changed(LIFE, "cpu1 clears B", { epoch: 1 }))).toEqual([
      "wrong-epoch: cpu1 loads B | cpu1 clears B",
    ]);
  });
});
