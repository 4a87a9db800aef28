import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { KvmEvent } from "./event.js";
import { parseCaptureLine } from "./line.js";

/** The event of a line that must be one. */
function eventOf(text: string): KvmEvent {
  const line = parseCaptureLine(text, 1);
  if (line.class !== "event") throw new Error(`${line.class}: ${text}`);
  return line.event;
}

describe("a line of a capture", () => {
  it("perf script: a comm with spaces, the kvm: prefix", () => {
    const text = "      CPU 0/KVM  699876 [020] 18136.763647:     kvm:kvm_entry: vcpu 0, rip 0xfffff8489b64142c";
    expect(eventOf(text)).toEqual({
      kind: "entry",
      line: 1,
      thread: 699876,
      cpu: 20,
      timeNs: 18_136_763_647_000n,
      vcpu: 0,
      rip: 0xfffff8489b64142cn,
    });
  });

  it("trace-cmd report: comm and pid joined, no rip", () => {
    const text = "qemu-system-x86-6660  [007]   398.691444: kvm_entry:            vcpu 3";
    expect(eventOf(text)).toEqual({ kind: "entry", line: 1, thread: 6660, cpu: 7, timeNs: 398_691_444_000n, vcpu: 3 });
  });

  it("ftrace: a column of flags, and the vcpu in kvm_exit", () => {
    const text =
      "      qemu-kvm-7461  [024] d....  3410.005610: kvm_exit: vcpu 23 reason DR_ACCESS info1 0x0000000000000216";
    expect(eventOf(text)).toMatchObject({
      kind: "exit",
      thread: 7461,
      cpu: 24,
      vcpu: 23,
      reason: 29,
      qualification: 0x216n,
    });
  });

  it("ftrace: the thread group in brackets", () => {
    const text = "  CPU 0/KVM-7461  (   7460) [024] d..2.  3410.005610: kvm_entry: vcpu 1, rip 0xfff0";
    expect(eventOf(text)).toMatchObject({ kind: "entry", thread: 7461, cpu: 24, vcpu: 1 });
  });

  it("perf script with pid/tid", () => {
    const text = "CPU 3/KVM  7460/7463  [001]  10.000001: kvm:kvm_entry: vcpu 3, rip 0x1";
    expect(eventOf(text)).toMatchObject({ cpu: 1, vcpu: 3 });
  });

  it("nothing but the event", () => {
    expect(eventOf("kvm_exit:             reason VMRESUME rip 0xfffff80006a40115 info 0 0")).toEqual({
      kind: "exit",
      line: 1,
      reasonName: "VMRESUME",
      reason: 24,
      rip: 0xfffff80006a40115n,
      qualification: 0n,
    });
  });

  it("kvm_nested_vmenter, and kvm_nested_vmrun as it was called before Linux 6.3", () => {
    const fields =
      "rip: 0x1 vmcs: 0x0000000123456000 nested_rip: 0x2 int_ctl: 0x0 event_inj: 0x80000081 nested_ept=y nested_eptp: 0x3";
    const expected = {
      kind: "nestedEnter",
      vmcs: 0x123456000n,
      nestedRip: 2n,
      eventInjection: 0x80000081,
      nestedEptp: 3n,
    };
    expect(eventOf(`kvm_nested_vmenter: ${fields}`)).toMatchObject(expected);
    expect(eventOf(`kvm_nested_vmrun: ${fields}`)).toMatchObject(expected);
  });

  it("a field that perf could not find", () => {
    const text =
      'CPU 0/KVM  6 [020] 1.763707: kvm:kvm_nested_vmexit: CAN\'T FIND FIELD "rip"<CANT FIND FIELD exit_code>vcpu 0 reason EPT_MISCONFIG rip 0x27 info1 0x0 info2 0x0';
    expect(eventOf(text)).toMatchObject({ kind: "nestedExit", vcpu: 0, reason: 49, rip: 0x27n });
  });

  it("a reason that the kernel had no name for", () => {
    expect(eventOf("kvm_exit: vcpu 0 reason 0x4a rip 0x1 info1 0x0")).toMatchObject({ reason: 74 });
  });

  it("a reason of SVM has no VMX number", () => {
    expect(eventOf("kvm_exit: vcpu 0 reason npf rip 0x1 info1 0x0").kind).toBe("exit");
    expect(eventOf("kvm_exit: vcpu 0 reason npf rip 0x1 info1 0x0")).not.toHaveProperty("reason");
  });

  it("frames: comments, headers, empty lines, lost events", () => {
    for (const text of ["", "# tracer: nop", "cpus=8", "version = 7", "CPU 3 is empty", "CPU:2 [LOST 12 EVENTS]"]) {
      expect(parseCaptureLine(text, 1), text).toEqual({ class: "frame" });
    }
  });

  it("other events: of KVM, of the scheduler", () => {
    expect(parseCaptureLine("CPU 0/KVM  6 [020] 1.7: kvm:kvm_fpu: load", 1)).toEqual({
      class: "otherKvm",
      name: "kvm_fpu",
    });
    const sched = "qemu-6660 [007] 3.6: sched_migrate_task: comm=qemu pid=1 prio=120 orig_cpu=1 dest_cpu=2";
    expect(parseCaptureLine(sched, 1)).toEqual({ class: "other", name: "sched_migrate_task" });
  });

  it("what it does not understand, it says so", () => {
    expect(parseCaptureLine("hello world", 1)).toMatchObject({ class: "notUnderstood" });
    expect(parseCaptureLine("kvm_exit: nothing here", 1)).toMatchObject({ class: "notUnderstood" });
  });

  it("no input makes it throw", () => {
    const fragment = fc.constantFrom(
      "CPU 0/KVM",
      "[020]",
      "1.5:",
      "kvm:",
      "kvm_exit:",
      "kvm_entry:",
      "kvm_nested_vmenter:",
      "vmcs:",
      "0xfffffffff",
      "reason",
      "VMRESUME",
      "vcpu",
      "99999999999999",
      "rip",
      "info1",
      "d....",
      "(123)",
      "-",
      "#",
      "\u0000",
      "%",
      "__proto__:",
      "constructor:",
    );
    const line = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.array(fc.oneof(fragment, fc.string()), { maxLength: 20 }).map((parts) => parts.join(" ")),
    );
    fc.assert(
      fc.property(line, (text) => {
        expect(() => parseCaptureLine(text, 1)).not.toThrow();
      }),
      { numRuns: 5_000 },
    );
  });

  it("a line of a megabyte is no trouble", () => {
    expect(parseCaptureLine(`${"a-1 ".repeat(250_000)}[1] 1.1: kvm_entry: vcpu 0`, 1)).toMatchObject({
      class: "notUnderstood",
    });
  });
});
