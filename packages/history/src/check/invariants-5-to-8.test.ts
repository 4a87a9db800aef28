import { describe, expect, it } from "vitest";
import {
  after,
  changed,
  check,
  findings,
  type Labelled,
  moved,
  number,
  told,
  until,
  without,
} from "../../test-support/labelled.js";
import { B, LIFE } from "../../test-support/story.js";

/** A pool of two: allocate 1, allocate 2, hit 1, recycle 2 for 3, free 1. */
const POOL: readonly Labelled[] = [
  told("l0", "created", { kind: "vcpu.created", vcpu: 0, cpu: 0, count: 2 }),
  pool("allocates 1", { kind: "pool.allocate", vmptr: 1, vmcs: 11, order: [1] }),
  pool("allocates 2", { kind: "pool.allocate", vmptr: 2, vmcs: 12, order: [2, 1] }),
  pool("hits 1", { kind: "pool.hit", vmptr: 1, vmcs: 11, order: [1, 2] }),
  told("l0", "enters 1", { kind: "nested.enter", vcpu: 0, cpu: 0, vmptr: 1, vmcs: 11, instruction: "vmlaunch" }),
  pool("recycles 2 for 3", { kind: "pool.recycle", vmptr: 3, from: 2, vmcs: 12, order: [3, 1] }),
  pool("fails", { kind: "pool.allocFail", vmptr: 4, order: [3, 1] }),
  pool("frees 1", { kind: "pool.free", vmptr: 1, vmcs: 11, order: [3] }),
];

function pool(label: string, fact: Parameters<typeof told>[2]): Labelled {
  return told("l0", label, { vcpu: 0, count: 2, ...fact });
}

describe("invariant 5: the vmcs02 pool", () => {
  it("allocations, a hit, a recycle, a refusal and a free in order of recency are valid", () => {
    expect(findings(POOL)).toEqual([]);
  });

  it("a pool of size 0 behaves as one of size 1", () => {
    const story = [
      told("l0", "created", { kind: "vcpu.created", vcpu: 0, cpu: 0, count: 0 }),
      pool("allocates", { kind: "pool.allocate", vmptr: 1, count: 0, order: [1] }),
    ];
    expect(findings(story)).toEqual([]);
  });

  it("two entries for one vmcs12", () => {
    const story = until(changed(POOL, "l0 allocates 2", { vmptr: 1, order: [1, 1] }), "l0 allocates 2");
    expect(findings(story)).toEqual(["pool-duplicate: l0 allocates 2"]);
  });

  it("more entries than its capacity", () => {
    const story = until(changed(POOL, "l0 allocates 2", { count: 1 }), "l0 allocates 2");
    expect(findings(story)).toEqual(["pool-over-capacity: l0 allocates 2"]);
  });

  it("a hit that does not move to the front", () => {
    const story = until(changed(POOL, "l0 hits 1", { order: [2, 1] }), "l0 hits 1");
    expect(findings(story)).toEqual(["pool-order: l0 allocates 2 | l0 hits 1"]);
  });

  it("an allocation put at the back", () => {
    expect(findings(until(changed(POOL, "l0 allocates 2", { order: [1, 2] }), "l0 allocates 2"))).toEqual([
      "pool-order: l0 allocates 1 | l0 allocates 2",
    ]);
  });

  it("a free that takes another entry along", () => {
    expect(findings(changed(POOL, "l0 frees 1", { order: [] }))).toEqual(["pool-order: l0 fails | l0 frees 1"]);
  });

  it("a failed allocation that changes the pool", () => {
    expect(findings(until(changed(POOL, "l0 fails", { order: [3] }), "l0 fails"))).toEqual([
      "pool-order: l0 recycles 2 for 3 | l0 fails",
    ]);
  });

  it("a recycle of the most recently used", () => {
    const story = changed(POOL, "l0 recycles 2 for 3", { from: 1, vmcs: 11, order: [3, 2] });
    expect(findings(until(story, "l0 recycles 2 for 3"))).toEqual(["pool-victim: l0 hits 1 | l0 recycles 2 for 3"]);
  });

  it("a recycled entry that keeps its key", () => {
    const story = until(changed(POOL, "l0 recycles 2 for 3", { order: [2, 1] }), "l0 recycles 2 for 3");
    expect(findings(story)).toEqual(["pool-order: l0 hits 1 | l0 recycles 2 for 3"]);
  });

  it("a hit that yields another entry's hardware VMCS", () => {
    const story = until(changed(POOL, "l0 hits 1", { vmcs: 12 }), "l0 hits 1");
    expect(findings(story)).toEqual(["pool-vmcs: l0 allocates 2 | l0 hits 1"]);
  });

  it("L2 entered with another vmcs02 than its entry's", () => {
    expect(findings(changed(POOL, "l0 enters 1", { vmcs: 12 }))).toEqual(["pool-vmcs: l0 hits 1 | l0 enters 1"]);
  });

  it("L2 entered that is not in front", () => {
    expect(findings(changed(POOL, "l0 enters 1", { vmptr: 2, vmcs: 12 }))).toEqual([
      "pool-order: l0 hits 1 | l0 enters 1",
    ]);
  });
});

describe("invariant 6: L0's record is the truth when nothing is in flight", () => {
  it("a record that forgets the CPU", () => {
    const story = changed(
      changed(LIFE, "l0 records B launched on CPU 0", { cpu: -1, launched: false }),
      "l0 records B on CPU 0",
      { cpu: -1 },
    );
    expect(findings(until(story, "l0 ends enter"))).toEqual([
      "record-cpu: cpu0 loads B | l0 records B launched on CPU 0",
    ]);
  });

  it("a record that names a CPU where the VMCS was cleared", () => {
    const story = without(LIFE, "l0 records B nowhere at last");
    const early = without(without(story, "l0 frees B"), "l0 emulated VMXOFF");
    expect(findings(until(early, "l0 ends vmxoff"))).toEqual([
      "record-cpu: l0 records B launched on CPU 1 | cpu1 clears B",
    ]);
  });

  it("a launched flag that outlived the clear", () => {
    const story = changed(LIFE, "l0 records B on CPU 1", { launched: true });
    const stuck = changed(without(story, "cpu1 launches B"), "l0 records B launched on CPU 1", { launched: true });
    expect(findings(until(stuck, "l0 ends place"))).toEqual([
      "record-launched: cpu1 loads B | l0 records B launched on CPU 1",
    ]);
  });

  it("while the operation is open, record and truth may differ", () => {
    expect(findings(until(LIFE, "l0 records B on CPU 1"), false)).toEqual([]);
  });

  it("after an indefinite end nothing is said until L0 records something new", () => {
    const lostReply = without(without(LIFE, "l0 records B nowhere at last"), "l0 emulated VMXOFF");
    const story = changed(without(lostReply, "l0 frees B"), "l0 ends vmxoff", { status: "deadline", definite: false });
    expect(findings(until(story, "l0 ends vmxoff"))).toEqual([]);
  });

  it("a lost CPU leaves the record to L0, and what L0 recorded of the loss is judged", () => {
    const lost = told("l0", "loses CPU 1", { kind: "cpu.lost", cpu: 1 });
    const gone = told("l0", "records B gone", { kind: "vmcs.record", ...B, cpu: -1, launched: false, epoch: 2 });
    const wrong = told("l0", "records B launched", { kind: "vmcs.record", ...B, cpu: -1, launched: true, epoch: 2 });
    const moved = until(LIFE, "l0 ends place");
    expect(findings([...moved, lost])).toEqual([]);
    expect(findings([...moved, gone, lost])).toEqual([]);
    expect(findings([...moved, wrong, lost])).toEqual(["record-launched: l0 records B launched"]);
  });

  it("L0 may take over a CPU whose lease has ended since it said what it holds", () => {
    const story = [
      ...until(LIFE, "l0 ends place"),
      told("cpu1", "lease ends", { kind: "lease.expired", cpu: 1, epoch: 1, count: 1 }),
      told("l0", "restarts", { kind: "host.restored", count: 1 }),
      told("l0", "keeps B on CPU 1", { kind: "vmcs.record", ...B, cpu: 1, launched: true, epoch: 2, cause: "kept" }),
      told("l0", "registers CPU 1", { kind: "cpu.registered", cpu: 1, epoch: 1 }),
      told("l0", "has recovered", { kind: "host.recovered" }),
    ];
    expect(findings(story)).toEqual([]);
  });

  it("another vcpu's open operation does not keep this one from being judged", () => {
    const other = told("l0", "begins for vcpu 9", { kind: "op.begin", operation: 90, instruction: "place", vcpu: 9 });
    const broken = without(without(LIFE, "l0 records B nowhere at last"), "l0 emulated VMXOFF");
    const story = after(without(broken, "l0 frees B"), "l0 begins vmxoff", other);
    expect(findings(until(story, "l0 ends vmxoff"), false)).toEqual([
      "record-cpu: l0 records B launched on CPU 1 | cpu1 clears B",
    ]);
  });
});

describe("invariant 7: nothing outlives its vcpu or VMXOFF", () => {
  it("a vmcs02 that is active after VMXOFF", () => {
    const story = ["cpu1 clears B", "l0 records B nowhere at last", "l0 frees B"].reduce(without, [...LIFE]);
    expect(findings(until(story, "l0 ends vmxoff"))).toEqual(["outlives-active: cpu1 loads B | l0 emulated VMXOFF"]);
  });

  it("a vmcs02 that is allocated after VMXOFF", () => {
    expect(findings(until(without(LIFE, "l0 frees B"), "l0 ends vmxoff"))).toEqual([
      "outlives-allocated: l0 allocates B | l0 emulated VMXOFF",
    ]);
  });

  it("vmcs01 that is allocated after the vcpu was destroyed", () => {
    expect(findings(without(LIFE, "l0 frees A"))).toEqual(["outlives-allocated: l0 allocates A | l0 destroyed"]);
  });

  it("it does not matter whether L0 says so before or after it frees", () => {
    expect(findings(moved(LIFE, "l0 destroyed", "l0 begins destroy"))).toEqual([]);
  });

  it("a VMXOFF that failed frees nothing", () => {
    const story = changed(without(LIFE, "l0 frees B"), "l0 emulated VMXOFF", { status: "exception" });
    expect(findings(until(story, "l0 ends vmxoff"))).toEqual([]);
  });
});

describe("invariant 8: every operation ends", () => {
  it("one that did not, when the history is complete", () => {
    expect(findings(without(LIFE, "l0 ends place"))).toContain("never-ended: l0 begins place");
  });

  it("an open operation at the end of an incomplete history is no violation", () => {
    expect(findings(until(LIFE, "l0 begins place"), false)).toEqual([]);
  });

  it("one that ends twice", () => {
    const again = told("l0", "ends place again", {
      kind: "op.end",
      operation: 3,
      instruction: "place",
      vcpu: 0,
      status: "ok",
    });
    expect(findings(after(LIFE, "l0 ends place", again))).toEqual(["ended-unbegun: l0 ends place again"]);
  });

  it("one that begins twice", () => {
    const again = told("l0", "begins place again", { kind: "op.begin", operation: 3, instruction: "place", vcpu: 0 });
    expect(findings(after(LIFE, "l0 begins place", again))).toEqual([
      "begun-twice: l0 begins place | l0 begins place again",
    ]);
  });

  it("an indefinite end is allowed, and listed", () => {
    const report = check(number(changed(LIFE, "l0 ends place", { status: "deadline", definite: false })));
    expect(report).toMatchObject({
      verdict: "valid",
      indefinite: { total: 1, events: [{ kind: "op.end", operation: 3 }] },
    });
  });
});
