import { describe, expect, it } from "vitest";
import { after, check, findings, type Labelled, number, told, until, without } from "../../test-support/labelled.js";
import { A, B, LIFE } from "../../test-support/story.js";

const CRASH = 9;
const PLACE = 8;

function operation(id: number, labelled: Labelled): Labelled {
  return { ...labelled, fact: { ...labelled.fact, operation: id } };
}

function cleared(name: string, region: number, digest: number): Labelled {
  const fact = { kind: "vmcs.clear", cpu: 0, region, epoch: 1, digest, active: true, launched: true } as const;
  return operation(CRASH, told("cpu0", `clears ${name}`, fact));
}

const PLACED = { instruction: "place", vcpu: 0 };
const ENDED = { kind: "op.end", ...PLACED, definite: true } as const;

/** vcpu 0 is in L2 on CPU 0 and about to move, when the host crashes. CPU 1 does not answer. */
const CRASHED: readonly Labelled[] = [
  ...until(LIFE, "l0 ends enter"),
  operation(PLACE, told("l0", "begins place", { kind: "op.begin", ...PLACED })),
  operation(CRASH, told("l0", "begins crash", { kind: "op.begin", instruction: "crash" })),
  operation(CRASH, told("cpu0", "leaves B", { kind: "vm.exit", cpu: 0, region: B.region, reason: 1 })),
  cleared("B", B.region, 21),
  cleared("A", A.region, 11),
  operation(CRASH, told("cpu0", "vmxoff", { kind: "vmx.off", cpu: 0 })),
  operation(CRASH, told("l0", "offlines CPU 0", { kind: "cpu.offline", cpu: 0, count: 2 })),
  operation(CRASH, told("l0", "crashed", { kind: "host.crashed", count: 2, reason: 1 })),
  operation(CRASH, told("l0", "ends crash", { kind: "op.end", instruction: "crash", status: "ok", definite: true })),
  operation(PLACE, told("l0", "fails place", { ...ENDED, status: "crashed" })),
];

const loads = (cpu: number, id: number): Labelled =>
  operation(
    id,
    told(`cpu${cpu}`, "loads A", {
      ...{ kind: "vmcs.load", cpu, region: A.region, epoch: 2, activated: true, digest: 11, launched: false },
    }),
  );

describe("crash clear-all", () => {
  it("that cleared all is valid, though L0's records still name the CPU", () => {
    expect(check(number(CRASHED))).toMatchObject({ verdict: "valid", violations: [] });
  });

  it("leaves nothing active when a CPU leaves VMX operation", () => {
    expect(findings(without(CRASHED, "cpu0 clears A"))).toEqual([
      "vmxoff-active: cpu0 loads A | cpu0 vmxoff",
      "crash-left-active: cpu0 loads A | l0 crashed",
    ]);
  });

  it("leaves nothing active where a CPU did not even leave VMX operation", () => {
    const story = without(without(CRASHED, "cpu0 clears A"), "cpu0 vmxoff");
    expect(findings(story)).toEqual(["crash-left-active: cpu0 loads A | l0 crashed"]);
  });

  it("is the end: what answered it is not used again", () => {
    expect(findings(after(CRASHED, "l0 offlines CPU 0", loads(0, CRASH)))).toEqual([
      "crash-left-active: cpu0 loads A | l0 crashed",
    ]);
    expect(findings(after(CRASHED, "l0 fails place", loads(0, PLACE)))).toEqual([
      "crash-left-active: l0 crashed | cpu0 loads A",
    ]);
  });

  it("judges no CPU that did not answer, no instruction by hand, no CPU that registers again", () => {
    const again = told("l0", "registers CPU 0 again", { kind: "cpu.registered", cpu: 0, epoch: 2 });
    expect(findings(after(CRASHED, "l0 fails place", loads(1, PLACE)))).toEqual([]);
    expect(findings(after(CRASHED, "l0 fails place", loads(0, 0)))).toEqual([]);
    const next = { ...loads(0, PLACE), incarnation: 2 };
    expect(findings(after(CRASHED, "l0 fails place", again, next))).toEqual([]);
  });

  it("judges a CPU that was offline before as little", () => {
    const before = operation(7, told("l0", "offlines CPU 1", { kind: "cpu.offline", cpu: 1, count: 0 }));
    const stray = { kind: "vmcs.load", cpu: 1, region: 0x9000, epoch: 0, activated: true } as const;
    const story = after(CRASHED, "l0 begins crash", before, told("cpu1", "loads by hand", stray));
    expect(findings(story)).toEqual([]);
  });

  it("lets operations end in errors only", () => {
    const story = CRASHED.map((each) =>
      each.label === "l0 fails place" ? operation(PLACE, told("l0", "succeeds", { ...ENDED, status: "ok" })) : each,
    );
    expect(findings(story)).toEqual(["succeeded-after-crash: l0 crashed | l0 succeeds"]);
    expect(check(number(story)).violations).toMatchObject([{ invariant: 8, certain: true }]);
  });

  it("does not bind L0's next life", () => {
    const next = [
      { ...told("l0", "begins again", { kind: "op.begin", operation: 1, ...PLACED }), incarnation: 2 },
      { ...told("l0", "ends again", { ...ENDED, operation: 1, status: "ok" }), incarnation: 2 },
    ];
    expect(findings([...CRASHED, ...next])).toEqual([]);
  });
});
