import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UsageError } from "../errors.js";
import { planReplay, type ReplayPlan } from "./plan.js";
import { readCapture, readCaptureLines } from "./read.js";

const XEON = fileURLToPath(
  new URL("../../../../experiments/captures/xeon6348-nested-windows.perf.txt", import.meta.url),
);

async function plan(lines: readonly string[], cpus = 4): Promise<ReplayPlan> {
  return planReplay(await readCaptureLines(lines, "test.txt"), cpus);
}

describe("the capture of kernel bug 220549", () => {
  it("is understood to the last line", async () => {
    const { counts } = await readCapture(XEON);
    expect(counts).toMatchObject({ lines: 45, understood: 13, notUnderstood: 0, other: {}, frame: 0 });
  });

  it("becomes one vcpu's exits and entries", async () => {
    const { vcpus, cpus, migrations, inferences } = planReplay(await readCapture(XEON), 4);
    expect([...cpus]).toEqual([[20, 0]]);
    expect(migrations).toEqual({ captured: 0, replayed: 0 });
    expect(vcpus.map(({ label }) => label)).toEqual(["vcpu 0 (thread 699876)"]);
    expect(vcpus[0]?.operations.map(({ line, atNs: _, cpu: __, ...what }) => [line, what])).toEqual([
      [12, { kind: "exitL2", reason: 1, qualification: 0n, toL1: true }],
      [
        15,
        {
          kind: "enter",
          instruction: "vmresume",
          vmptr: 0x100000,
          guestRip: 0xfffff8031964b2b6n,
          eventInjection: 0x80000081,
        },
      ],
      [30, { kind: "exitL2", reason: 49, qualification: 0n, rip: 0xfffff8031964a727n, toL1: false }],
      [40, { kind: "exitL2", reason: 32, qualification: 0n, rip: 0xfffff8030f62d36cn, toL1: true }],
      [43, { kind: "exitL1", reason: 32, qualification: 0n, rip: 0xfffff8489b732dafn }],
    ]);
    expect(inferences.list().map(({ what }) => what)).toEqual([
      "an exit that reaches L1 without an exit of L2 before it (L0 made it up, or the capture began in between) is an exit of L2",
      "the vmcs12, which enlightened VMCS hides (its address reads all ones): one per distinct nested EPT pointer",
    ]);
  });
});

describe("a plan", () => {
  it("keeps the migrations of a capture, on our CPUs", async () => {
    const lines = [
      "qemu-1 [007] 1.000001: kvm_exit: vcpu 0 reason HLT rip 0x1 info 0 0",
      "qemu-1 [009] 1.000002: kvm_entry: vcpu 0",
      "qemu-1 [009] 1.000003: kvm_exit: vcpu 0 reason CPUID rip 0x1 info 0 0",
      "qemu-1 [007] 1.000004: kvm_exit: vcpu 0 reason CPUID rip 0x1 info 0 0",
    ];
    const { vcpus, cpus, migrations } = await plan(lines);
    expect([...cpus]).toEqual([
      [7, 0],
      [9, 1],
    ]);
    expect(vcpus[0]?.operations.map(({ cpu }) => cpu)).toEqual([0, 1, 0]);
    expect(migrations).toEqual({ captured: 2, replayed: 2 });
  });

  it("says when captured CPUs share one of ours", async () => {
    const lines = [
      "q-1 [0] 1.1: kvm_exit: vcpu 0 reason HLT rip 0x1",
      "q-1 [1] 1.2: kvm_exit: vcpu 0 reason HLT rip 0x1",
    ];
    const { migrations, inferences } = await plan(lines, 1);
    expect(migrations).toEqual({ captured: 1, replayed: 0 });
    expect(inferences.list().map(({ what }) => what)).toEqual([
      "the capture has 2 CPUs and the host 1: some captured CPUs share one, and moves between those disappear",
    ]);
  });

  it("names the vmcs12 of a VMPTRLD after the entry that follows", async () => {
    const lines = [
      "kvm_exit: reason VMPTRLD rip 0x1 info 0 0",
      "kvm_entry: vcpu 0",
      "kvm_exit: reason VMLAUNCH rip 0x1 info 0 0",
      "kvm_nested_vmrun: rip: 0x1 vmcs: 0x1000 nested_rip: 0x2 int_ctl: 0x0 event_inj: 0x0 nested_ept: on",
      "kvm_exit: reason CPUID rip 0x2 info 0 0",
      "kvm_nested_vmexit: rip: 0x2 reason: CPUID ext_inf1: 0x0",
      "kvm_nested_vmexit_inject: reason: CPUID ext_inf1: 0x0",
    ];
    const { vcpus } = await plan(lines);
    expect(vcpus[0]?.operations).toMatchObject([
      { kind: "instruction", instruction: "vmptrld", vmptr: 0x100000 },
      { kind: "enter", instruction: "vmlaunch", vmptr: 0x100000 },
      { kind: "exitL2", reason: 10, toL1: true },
    ]);
  });

  it("two threads with the same vcpu number are two vcpus", async () => {
    const lines = [
      "a-1 [0] 1.1: kvm_exit: vcpu 0 reason HLT rip 0x1",
      "b-2 [0] 1.2: kvm_exit: vcpu 0 reason HLT rip 0x1",
    ];
    expect((await plan(lines)).vcpus).toHaveLength(2);
  });

  it("without kvm_nested_* events, VMRESUME enters and the next exit is L2's", async () => {
    const lines = [
      "a-1 [0] 1.1: kvm_exit: vcpu 0 reason VMRESUME rip 0x1",
      "a-1 [0] 1.2: kvm_entry: vcpu 0",
      "a-1 [0] 1.3: kvm_exit: vcpu 0 reason CPUID rip 0x2",
      "a-1 [0] 1.4: kvm_entry: vcpu 0",
      "a-1 [0] 1.5: kvm_exit: vcpu 0 reason HLT rip 0x3",
    ];
    const { vcpus } = await plan(lines);
    expect(vcpus[0]?.operations.map(({ kind }) => kind)).toEqual(["enter", "exitL2", "exitL1"]);
  });

  const ENTRY = [
    "kvm_exit: reason VMLAUNCH rip 0x1 info 0 0",
    "kvm_nested_vmenter: rip: 0x1 vmcs: 0x1000 nested_rip: 0x2 event_inj: 0x0 nested_ept=n",
  ];

  it("does not replay an entry whose guest state failed its checks, after kvm_nested_vmenter had announced it", async () => {
    const { vcpus, inferences } = await plan([
      ...ENTRY,
      "kvm_nested_vmenter_failed: guest: !nested_guest_cr0_valid, error: 0",
      "kvm_exit: reason CPUID rip 0x3 info 0 0",
    ]);
    expect(vcpus[0]?.operations).toMatchObject([{ kind: "exitL1", reason: 10 }]);
    expect(inferences.list()).toContainEqual({
      what: "left out: a nested entry that failed in the capture; L1 goes on running",
      count: 1,
      firstLine: 3,
    });
  });

  it("an entry that failed later is no reason to forget one that went well", async () => {
    const { vcpus } = await plan([
      ...ENTRY,
      "kvm_entry: vcpu 0",
      "kvm_exit: reason CPUID rip 0x2 info 0 0",
      "kvm_nested_vmexit_inject: reason CPUID",
      "kvm_exit: reason VMRESUME rip 0x3 info 0 0",
      "kvm_nested_vmenter_failed: controls, error: 7",
      "kvm_exit: reason HLT rip 0x3 info 0 0",
    ]);
    expect(vcpus[0]?.operations.map(({ kind }) => kind)).toEqual(["enter", "exitL2", "exitL1"]);
  });

  it.each([
    ["nested_rip: 0x8000000000000000", {}, "left out: a RIP that is not canonical; L2 keeps the one it has"],
    [
      "nested_rip: 0x2 event_inj: 0x80000308",
      { eventInjection: 0x80000b08 },
      "the error code of an injected #DF or #AC is 0, which it always is",
    ],
    [
      "nested_rip: 0x2 event_inj: 0x8000030e",
      {},
      "left out: an exception injected at an entry, without the error code that it must have",
    ],
    [
      "nested_rip: 0x2 event_inj: 0x80000b06",
      {},
      "left out: an exception injected at an entry, with an error code that it does not have",
    ],
    ["nested_rip: 0x2 event_inj: 0x80000203", {}, "left out: an NMI injected at an entry, with another vector than 2"],
    ["nested_rip: 0x2 event_inj: 0x80001081", {}, "left out: an event injected at an entry, with reserved bits set"],
  ])("does not write what no guest can have: %s", async (values, kept, what) => {
    const { vcpus, inferences } = await plan([
      "kvm_exit: reason VMLAUNCH rip 0x1 info 0 0",
      `kvm_nested_vmenter: rip: 0x1 vmcs: 0x1000 ${values}`,
    ]);
    const [enter] = vcpus[0]?.operations ?? [];
    expect(enter).toMatchObject({ kind: "enter", ...kept });
    expect(enter === undefined ? [] : Object.keys(enter)).toHaveLength(
      5 + Object.keys(kept).length + (values.startsWith("nested_rip: 0x2") ? 1 : 0),
    );
    expect(inferences.list()).toContainEqual({ what, count: 1, firstLine: 2 });
  });

  it("is made from any mixture of lines", async () => {
    const line = fc.constantFrom(
      "a-1 [0] 1.1: kvm_exit: vcpu 0 reason VMRESUME rip 0x1",
      "a-1 [3] 1.1: kvm_exit: reason CPUID rip 0x1 info 0 0",
      "b-2 [1] 1.1: kvm_exit: reason VMPTRLD rip 0x1 info 0 0",
      "kvm_entry: vcpu 1",
      "kvm_exit: reason VMXOFF rip 0x1",
      "a-1 [0] 1.1: kvm_nested_vmenter: rip: 0x1 vmcs: 0x1000 nested_rip: 0x2",
      "b-2 [1] 1.1: kvm_nested_vmexit: reason CPUID",
      "b-2 [1] 1.1: kvm_nested_vmexit_inject: reason CPUID",
      "a-1 [0] 1.1: kvm_nested_vmenter_failed: message error 7",
      "a-1 [0] 1.1: kvm_exit: vcpu 0 reason UNKNOWN rip 0x1",
      "kvm_nested_vmexit: reason 0x99999999",
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 4 }),
        async (lines, cpus) => {
          const { vcpus } = await plan([...lines, "kvm_exit: reason HLT rip 0x1"], cpus);
          for (const { cpu } of vcpus.flatMap(({ operations }) => operations)) expect(cpu).toBeLessThan(cpus);
        },
      ),
    );
  });
});

describe("a file that is no capture", () => {
  it.each([
    [[], "test.txt: the file is empty; a capture of kvm events was expected"],
    [["a-1 [0] 1.1: sched_switch: x"], "test.txt: no kvm events in 1 lines"],
    [["hello"], "test.txt: no kvm events in 1 lines; line 1: not the form of a trace line: hello"],
    [["kvm:kvm_fpu: load"], "test.txt: no entry or exit to replay among 1 lines; the kvm events in it are kvm_fpu"],
    [
      ["kvm_entry: vcpu 0", "kvm_exit: reason EXIT_npf rip 0x1 info1 0x0"],
      "test.txt: line 2: this is a capture of an AMD processor (SVM): kvm_exit with reason EXIT_npf; vmcslab models Intel's VT-x",
    ],
    [
      ["kvm_exit: reason npf rip 0x1 info1 0x0"],
      "test.txt: line 1: this is a capture of an AMD processor (SVM): kvm_exit with reason npf; vmcslab models Intel's VT-x",
    ],
    [
      ["kvm_nested_vmrun: rip: 0x1 vmcb: 0x1000 nrip: 0x2 int_ctl: 0x0 event_inj: 0x0 npt: on"],
      "test.txt: line 1: this is a capture of an AMD processor (SVM): a nested entry with a VMCB; vmcslab models Intel's VT-x",
    ],
    [["PERFILE2\u0000\u0001"], "test.txt: this is perf's binary file; give what `perf script` prints from it"],
  ])("%j", async (lines, message) => {
    await expect(readCaptureLines(lines, "test.txt")).rejects.toThrow(new UsageError(message));
  });

  it("holds events, and nothing to replay among them", async () => {
    const entries = ["kvm_entry: vcpu 0, rip 0x1", "kvm_entry: vcpu 0, rip 0x1"];
    await expect(plan(entries)).rejects.toThrow(
      new UsageError(
        "test.txt: nothing to replay in 2 lines: kvm_entry 2; no exit and no nested entry that could be replayed",
      ),
    );
    await expect(plan(["kvm_exit: reason INVALID_STATE rip 0x1"])).rejects.toThrow(
      "test.txt: nothing to replay in 1 lines: kvm_exit 1; no exit and no nested entry that could be replayed\nleft out: an exit for INVALID_STATE, which is an entry that failed (first at line 1)",
    );
  });

  it("is not there", async () => {
    await expect(readCapture("/nowhere/trace.txt")).rejects.toThrow("/nowhere/trace.txt: there is no such file");
  });
});
