/** VMX operation, the active, current and launched facts, and the order of the checks: SDM 23, 24.1, 24.11, 30.3. */
import { describe, expect, test } from "vitest";
import { Field } from "./field-encodings.js";
import { Mode, Op, type OpCode } from "./instruction.js";
import type { Outcome } from "./outcome.js";
import { Status, type StatusName, Vector } from "./outcome.js";
import { TestMachine, VMCS_A, VMCS_B, VMXON_REGION } from "./testing/test-machine.js";

function summary({ status, error, vector, reason, entryFailure }: Outcome): string {
  const name = Object.keys(Status).find((key): key is StatusName => Status[key as StatusName] === status) ?? "?";
  if (status === Status.failValid) return `${name} ${error}`;
  if (status === Status.exception) return `${name} ${vector}`;
  if (status === Status.vmexit) return `${name} ${reason}${entryFailure ? " entry failure" : ""}`;
  return name;
}

/** As kvm-unit-tests prints it. */
function state(machine: TestMachine, cpu = 0): string {
  const active = machine.cpu(cpu).activeVmcss();
  const current = active.find((vmcs) => vmcs.current)?.region.toString(16) ?? "none";
  return `current:${current} active:[${active.map(({ region, launched }) => `${region.toString(16)}${launched ? " launched" : ""}`).join(",")}]`;
}

const ALL_BUT_VMXON: readonly OpCode[] = [
  Op.vmxoff,
  Op.vmclear,
  Op.vmptrld,
  Op.vmptrst,
  Op.vmread,
  Op.vmwrite,
  Op.vmlaunch,
  Op.vmresume,
  Op.vmcall,
];

describe("SDM 30.3: exceptions before everything else", () => {
  test.each(ALL_BUT_VMXON)("operation %i outside VMX operation is #UD, at any privilege", (op) => {
    const machine = new TestMachine();
    expect(summary(machine.run(0, { op }))).toBe("exception 6");
    expect(summary(machine.run(0, { op, mode: Mode.user64 }))).toBe("exception 6");
  });

  test.each(ALL_BUT_VMXON)("operation %i in root operation: compatibility mode is #UD, CPL 3 is #GP", (op) => {
    const machine = new TestMachine();
    machine.vmxon();
    expect(summary(machine.run(0, { op, mode: Mode.compatibility }))).toBe("exception 6");
    expect(summary(machine.run(0, { op, mode: Mode.user64 }))).toBe("exception 13");
  });

  test("INVEPT and INVVPID on a model without EPT and VPID are #UD", () => {
    const machine = new TestMachine({ model: "core2_penryn_t9600" }).withCurrent();
    expect(summary(machine.run(0, { op: Op.invept, field: 2 }))).toBe("exception 6");
    expect(summary(machine.run(0, { op: Op.invvpid, field: 2 }))).toBe("exception 6");
  });
});

describe("VMXON (SDM 23.7, 30.3)", () => {
  test("needs CR4.VMXE (#UD), CR0.NE and IA32_FEATURE_CONTROL (#GP), a good region (VMfailInvalid)", () => {
    const machine = new TestMachine();
    machine.run(0, { op: Op.cr4Clear, low: 0x2000 });
    expect(summary(machine.vmxon())).toBe("exception 6");
    machine.run(0, { op: Op.cr4Set, low: 0x2000 });
    machine.run(0, { op: Op.cr0Clear, low: 0x20 });
    expect(summary(machine.vmxon())).toBe("exception 13");
    machine.run(0, { op: Op.cr0Set, low: 0x20 });
    expect(summary(machine.run(0, { op: Op.vmxon, low: VMXON_REGION + 8 }))).toBe("failInvalid");
    expect(summary(machine.run(0, { op: Op.vmxon, low: 0, high: 0x100 }))).toBe("failInvalid");
    expect(summary(machine.run(0, { op: Op.vmxon, low: 0x800000 }))).toBe("failInvalid");
    expect(summary(machine.vmxon())).toBe("succeed");
  });

  test.each([0, 1, 4])("IA32_FEATURE_CONTROL = %i does not allow it", (featureControl) => {
    expect(summary(new TestMachine({ featureControl }).vmxon())).toBe("exception 13");
  });

  test("in root operation it is error 15 whatever the operand; without a current VMCS no number", () => {
    const machine = new TestMachine();
    machine.vmxon();
    expect(summary(machine.run(0, { op: Op.vmxon, low: 3 }))).toBe("failInvalid");
    machine.vmclear(VMCS_A);
    machine.vmptrld(VMCS_A);
    expect(summary(machine.run(0, { op: Op.vmxon, low: 3 }))).toBe("failValid 15");
    expect(machine.vmread(Field.VM_INSTRUCTION_ERROR)).toBe(15n);
  });

  test("SDM 23.8: the fixed bits of CR0 and CR4 cannot be violated in VMX operation", () => {
    const machine = new TestMachine();
    machine.vmxon();
    expect(machine.run(0, { op: Op.cr4Clear, low: 0x2000 }).vector).toBe(Vector.generalProtection);
    expect(machine.run(0, { op: Op.cr0Clear, low: 0x20 }).vector).toBe(Vector.generalProtection);
    machine.run(0, { op: Op.vmxoff });
    expect(summary(machine.run(0, { op: Op.cr4Clear, low: 0x2000 }))).toBe("succeed");
  });
});

describe("active, current, launched are three facts (SDM 24.1)", () => {
  test("VMPTRLD of another VMCS leaves the first active", () => {
    const machine = new TestMachine().withCurrent(VMCS_A);
    machine.vmptrld(VMCS_B);
    expect(state(machine)).toBe("current:11000 active:[10000,11000]");
  });

  test("VMCLEAR of the current VMCS leaves none current; of another one, the current one stays", () => {
    const machine = new TestMachine().withCurrent(VMCS_A);
    machine.vmptrld(VMCS_B);
    machine.vmclear(VMCS_A);
    expect(state(machine)).toBe("current:11000 active:[11000]");
    machine.vmclear(VMCS_B);
    expect(state(machine)).toBe("current:none active:[]");
  });

  test("a VMCS is launched by the entry that reaches the guest, until it is VMCLEARed", () => {
    const machine = new TestMachine().withCurrent().writeValidGuest();
    expect(summary(machine.run(0, { op: Op.vmresume }))).toBe("failValid 5");
    expect(summary(machine.run(0, { op: Op.vmlaunch }))).toBe("vmentry");
    machine.run(0, { op: Op.vmexit, reason: 12 });
    expect(summary(machine.run(0, { op: Op.vmlaunch }))).toBe("failValid 4");
    machine.vmptrld(VMCS_B);
    machine.vmptrld(VMCS_A);
    expect(state(machine)).toBe("current:10000 active:[10000 launched,11000]");
    machine.vmclear(VMCS_A);
    machine.vmptrld(VMCS_A);
    expect(summary(machine.run(0, { op: Op.vmresume }))).toBe("failValid 5");
    expect(summary(machine.run(0, { op: Op.vmlaunch }))).toBe("vmentry");
  });

  test("an entry that fails, in whatever way, leaves the VMCS clear", () => {
    const machine = new TestMachine().withCurrent().writeValidGuest();
    machine.vmwrite(Field.GUEST_RFLAGS, 0n);
    const outcome = machine.run(0, { op: Op.vmlaunch });
    expect(summary(outcome)).toBe("vmexit 33 entry failure");
    expect(machine.vmread(Field.VM_EXIT_REASON)).toBe(0x80000021n);
    expect(machine.cpu(0).isLaunched(VMCS_A)).toBe(false);
  });
});

describe("what a processor holds is not in memory (SDM 24.1, 24.11.1)", () => {
  test("a VMWRITE reaches memory only through VMCLEAR", () => {
    const machine = new TestMachine({ cpus: 2 }).withCurrent();
    machine.vmxon(1);
    machine.vmwrite(Field.GUEST_RIP, 0x1234n);
    machine.vmptrld(VMCS_A, 1);
    expect(machine.vmread(Field.GUEST_RIP, 1)).toBe(0n);
    machine.vmclear(VMCS_A, 1);
    machine.vmclear(VMCS_A);
    machine.vmptrld(VMCS_A, 1);
    expect(machine.vmread(Field.GUEST_RIP, 1)).toBe(0x1234n);
  });

  test("VMPTRLD of a VMCS that is already active reads nothing again", () => {
    const machine = new TestMachine().withCurrent();
    machine.vmwrite(Field.GUEST_RIP, 7n);
    machine.vmptrld(VMCS_A);
    expect(machine.vmread(Field.GUEST_RIP)).toBe(7n);
  });

  test("VMCLEAR where the VMCS is not active leaves its data alone, here and in memory", () => {
    const machine = new TestMachine({ cpus: 2 }).withCurrent();
    machine.vmxon(1);
    machine.vmwrite(Field.GUEST_RIP, 7n);
    machine.vmclear(VMCS_A, 1);
    expect(machine.vmread(Field.GUEST_RIP)).toBe(7n);
  });

  test.each([
    ["writeBack", 7n],
    ["lose", 0n],
  ] as const)("VMXOFF with an active VMCS, policy %s", (atVmxoff, expected) => {
    const machine = new TestMachine({ atVmxoff }).withCurrent();
    machine.vmwrite(Field.GUEST_RIP, 7n);
    machine.run(0, { op: Op.vmxoff });
    expect(state(machine)).toBe("current:none active:[]");
    machine.vmxon();
    machine.vmptrld(VMCS_A);
    expect(machine.vmread(Field.GUEST_RIP)).toBe(expected);
  });

  test("a freed page reads as zeros: the copy of it is not used again", () => {
    const machine = new TestMachine().withCurrent();
    machine.vmwrite(Field.GUEST_RIP, 7n);
    machine.vmclear(VMCS_A);
    machine.memory.dropPage(VMCS_A);
    expect(summary(machine.vmptrld(VMCS_A))).toBe("failInvalid");
    machine.memory.write32(VMCS_A, machine.model.revision);
    machine.vmptrld(VMCS_A);
    expect(machine.vmread(Field.GUEST_RIP)).toBe(0n);
  });
});

describe("order of the checks of VMLAUNCH and VMRESUME (SDM 30.3)", () => {
  test("no current VMCS, MOV SS, launch state, controls, host state, guest state", () => {
    const machine = new TestMachine();
    machine.vmxon();
    expect(summary(machine.run(0, { op: Op.vmlaunch, movSs: true }))).toBe("failInvalid");
    machine.vmclear(VMCS_A);
    machine.vmptrld(VMCS_A);
    expect(summary(machine.run(0, { op: Op.vmresume, movSs: true }))).toBe("failValid 26");
    expect(summary(machine.run(0, { op: Op.vmresume }))).toBe("failValid 5");
    expect(summary(machine.run(0, { op: Op.vmlaunch }))).toBe("failValid 7");
    machine.writeValidGuest();
    machine.vmwrite(Field.HOST_CS_SELECTOR, 0n);
    machine.vmwrite(Field.GUEST_RFLAGS, 0n);
    expect(summary(machine.run(0, { op: Op.vmlaunch }))).toBe("failValid 8");
    machine.vmwrite(Field.HOST_CS_SELECTOR, 8n);
    expect(summary(machine.run(0, { op: Op.vmlaunch }))).toBe("vmexit 33 entry failure");
  });

  test("SDM 24.10: a shadow VMCS cannot be entered: VMfailInvalid before MOV SS", () => {
    const machine = new TestMachine({ model: "corei7_haswell_4770" });
    machine.memory.write32(VMCS_A, (machine.model.revision | 0x80000000) >>> 0);
    machine.withCurrent();
    expect(summary(machine.run(0, { op: Op.vmlaunch, movSs: true }))).toBe("failInvalid");
  });

  test("a field that was changed since the last successful entry is checked again", () => {
    const machine = new TestMachine().withCurrent().writeValidGuest();
    machine.run(0, { op: Op.vmlaunch });
    machine.run(0, { op: Op.vmexit, reason: 12 });
    machine.vmwrite(Field.HOST_TR_SELECTOR, 0n);
    expect(summary(machine.run(0, { op: Op.vmresume }))).toBe("failValid 8");
    expect(summary(machine.run(0, { op: Op.vmresume }))).toBe("failValid 8");
    machine.vmwrite(Field.HOST_TR_SELECTOR, 0x30n);
    expect(summary(machine.run(0, { op: Op.vmresume }))).toBe("vmentry");
  });
});

describe("non-root operation (SDM 25.1, 27.2)", () => {
  test.each([
    [Op.vmcall, 18],
    [Op.vmclear, 19],
    [Op.vmlaunch, 20],
    [Op.vmptrld, 21],
    [Op.vmptrst, 22],
    [Op.vmread, 23],
    [Op.vmresume, 24],
    [Op.vmwrite, 25],
    [Op.vmxoff, 26],
    [Op.vmxon, 27],
    [Op.invept, 50],
    [Op.invvpid, 53],
    [Op.init, 3],
  ] as const)("operation %i exits for reason %i, even at CPL 3", (op, reason) => {
    const machine = new TestMachine().withCurrent().writeValidGuest();
    machine.run(0, { op: Op.vmlaunch });
    expect(machine.cpu(0).nonRoot).toBe(true);
    expect(summary(machine.run(0, { op, mode: Mode.user64 }))).toBe(`vmexit ${reason}`);
    expect(machine.cpu(0).nonRoot).toBe(false);
    expect(machine.vmread(Field.VM_EXIT_REASON)).toBe(BigInt(reason));
  });

  test("an exit writes reason, qualification and length, and clears the valid bit of the injected event", () => {
    const machine = new TestMachine().withCurrent().writeValidGuest();
    machine.vmwrite(Field.VM_ENTRY_INTR_INFO_FIELD, 0x80000202n);
    machine.run(0, { op: Op.vmlaunch });
    machine.run(0, { op: Op.vmexit, reason: 30, qualificationLow: 0x20, qualificationHigh: 1, length: 2 });
    expect(machine.vmread(Field.EXIT_QUALIFICATION)).toBe(0x100000020n);
    expect(machine.vmread(Field.VM_EXIT_INSTRUCTION_LEN)).toBe(2n);
    expect(machine.vmread(Field.VM_ENTRY_INTR_INFO_FIELD)).toBe(0x202n);
  });

  test("an external interrupt exits only with external-interrupt exiting; INIT in root operation waits for VMXOFF", () => {
    const machine = new TestMachine().withCurrent().writeValidGuest();
    machine.run(0, { op: Op.vmlaunch });
    expect(summary(machine.run(0, { op: Op.interrupt, low: 0x20 }))).toBe("succeed");
    machine.run(0, { op: Op.vmexit, reason: 12 });
    machine.vmwrite(Field.PIN_BASED_VM_EXEC_CONTROL, BigInt(machine.model.pinBased.mustBeOne | 1));
    machine.run(0, { op: Op.vmresume });
    expect(summary(machine.run(0, { op: Op.interrupt, low: 0x20 }))).toBe("vmexit 1");
    expect(summary(machine.run(0, { op: Op.init }))).toBe("succeed");
    expect(machine.cpu(0).inVmxOperation).toBe(true);
  });
});
