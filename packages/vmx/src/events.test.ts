/** What arrives from outside, and what a VM exit leaves behind: SDM 23.8, 25.2, 27.2 and 27.5. */
import { describe, expect, test } from "vitest";
import { Field } from "./field-encodings.js";
import { Mode, Op, type OpCode } from "./instruction.js";
import { type Outcome, Status } from "./outcome.js";
import { TestMachine, VMCS_A, VMCS_B } from "./testing/test-machine.js";

function entered(): TestMachine {
  const machine = new TestMachine().withCurrent().writeValidGuest();
  expect(machine.run(0, { op: Op.vmlaunch }).status).toBe(Status.vmentry);
  return machine;
}

const reasonOf = ({ status, reason }: Outcome): number => (status === Status.vmexit ? reason : -1);

describe("INIT (SDM 23.8, 25.2)", () => {
  test("in root operation it waits, and is taken at VMXOFF", () => {
    const machine = new TestMachine().withCurrent();
    machine.vmwrite(Field.GUEST_RIP, 7n);
    machine.run(0, { op: Op.init });
    expect(machine.cpu(0).inVmxOperation).toBe(true);
    expect(machine.vmread(Field.GUEST_RIP)).toBe(7n);
    machine.run(0, { op: Op.cr0Set, low: 1 << 16 });
    machine.run(0, { op: Op.vmxoff });
    expect(machine.cpu(0).inVmxOperation).toBe(false);
    // The restart brought CR0 back as it was at the start, and a second VMXOFF finds nothing pending.
    machine.vmxon();
    machine.vmptrld(VMCS_A);
    machine.writeValidGuest();
    machine.vmclear(VMCS_A);
    machine.vmptrld(VMCS_A);
    expect(machine.run(0, { op: Op.vmlaunch }).status).toBe(Status.vmentry);
  });

  test("one that waits makes the guest leave as soon as it is entered; the entry launches the VMCS", () => {
    const machine = new TestMachine().withCurrent().writeValidGuest();
    machine.run(0, { op: Op.init });
    expect(reasonOf(machine.run(0, { op: Op.vmlaunch }))).toBe(3);
    expect(machine.cpu(0).nonRoot).toBe(false);
    expect(machine.run(0, { op: Op.vmresume }).status).toBe(Status.vmentry);
  });

  test("in non-root operation it is VM exit 3, and is gone", () => {
    const machine = entered();
    expect(reasonOf(machine.run(0, { op: Op.init }))).toBe(3);
    expect(machine.run(0, { op: Op.vmresume }).status).toBe(Status.vmentry);
  });

  test("outside VMX operation it restarts the processor, and IA32_FEATURE_CONTROL stays locked", () => {
    const machine = new TestMachine();
    machine.run(0, { op: Op.cr4Clear, low: 1 << 13 });
    machine.run(0, { op: Op.init });
    expect(machine.vmxon().status).toBe(Status.succeed);
    expect(machine.run(0, { op: Op.wrmsr, field: 0x3a, low: 0 }).status).toBe(Status.exception);
  });
});

describe("startup IPI (SDM 25.2)", () => {
  test("VM exit 4 with its vector when the guest waits for it, otherwise dropped", () => {
    const machine = new TestMachine().withCurrent().writeValidGuest();
    expect(machine.run(0, { op: Op.sipi, low: 0x9a }).status).toBe(Status.succeed);
    machine.vmwrite(Field.GUEST_ACTIVITY_STATE, 3n);
    machine.run(0, { op: Op.vmlaunch });
    const outcome = machine.run(0, { op: Op.sipi, low: 0x9a });
    expect([reasonOf(outcome), outcome.qualificationLow]).toEqual([4, 0x9a]);
    machine.vmwrite(Field.GUEST_ACTIVITY_STATE, 0n);
    machine.run(0, { op: Op.vmresume });
    expect(machine.run(0, { op: Op.sipi, low: 0x9a }).status).toBe(Status.succeed);
    expect(machine.cpu(0).nonRoot).toBe(true);
  });
});

describe("RESET", () => {
  test("ends VMX operation, loses what was not VMCLEARed, and brings firmware's IA32_FEATURE_CONTROL back", () => {
    const machine = new TestMachine({ featureControl: 0 });
    machine.run(0, { op: Op.wrmsr, field: 0x3a, low: 5 });
    machine.withCurrent();
    machine.vmwrite(Field.GUEST_RIP, 7n);
    machine.run(0, { op: Op.reset });
    expect(machine.cpu(0).inVmxOperation).toBe(false);
    expect(machine.vmxon().status).toBe(Status.exception);
    machine.run(0, { op: Op.wrmsr, field: 0x3a, low: 5 });
    machine.vmxon();
    machine.vmptrld(VMCS_A);
    expect(machine.vmread(Field.GUEST_RIP)).toBe(0n);
  });
});

describe("exceptions come before VM exits (SDM 30.3)", () => {
  const GUEST_UD: readonly OpCode[] = [
    Op.vmxon,
    Op.vmxoff,
    Op.vmclear,
    Op.vmptrld,
    Op.vmptrst,
    Op.vmread,
    Op.vmwrite,
    Op.vmlaunch,
    Op.vmresume,
    Op.invept,
    Op.invvpid,
  ];

  test.each(GUEST_UD)("operation %i of a guest in compatibility mode is #UD, and the guest goes on", (op) => {
    const machine = entered();
    const outcome = machine.run(0, { op, mode: Mode.compatibility });
    expect([outcome.status, outcome.vector, machine.cpu(0).nonRoot]).toEqual([Status.exception, 6, true]);
  });

  test("VMCALL of a guest exits from every mode", () => {
    expect(reasonOf(entered().run(0, { op: Op.vmcall, mode: Mode.compatibility }))).toBe(18);
    expect(reasonOf(entered().run(0, { op: Op.vmcall, mode: Mode.user64 }))).toBe(18);
  });

  test("an exception changes neither the current VMCS nor VM_INSTRUCTION_ERROR", () => {
    const machine = new TestMachine().withCurrent();
    machine.run(0, { op: Op.vmptrld, low: 1 });
    machine.run(0, { op: Op.vmptrld, low: VMCS_B, mode: Mode.user64 });
    expect(machine.cpu(0).currentVmcs).toBe(VMCS_A);
    expect(machine.vmread(Field.VM_INSTRUCTION_ERROR)).toBe(9n);
  });
});

describe("VM-exit information (SDM 27.2)", () => {
  test("an instruction: reason, qualification, length and instruction information; no event", () => {
    const machine = new TestMachine({ model: "tigerlake" }).withCurrent().writeValidGuest();
    for (const field of [Field.VM_EXIT_INTR_INFO, Field.IDT_VECTORING_INFO_FIELD]) machine.vmwrite(field, 0x80000001n);
    machine.run(0, { op: Op.vmlaunch });
    machine.run(0, { op: Op.vmclear, qualificationLow: 0x40, length: 7, information: 0x1234 });
    const written = [
      Field.VM_EXIT_REASON,
      Field.EXIT_QUALIFICATION,
      Field.VM_EXIT_INSTRUCTION_LEN,
      Field.VMX_INSTRUCTION_INFO,
      Field.VM_EXIT_INTR_INFO,
      Field.IDT_VECTORING_INFO_FIELD,
    ].map((field) => machine.vmread(field));
    expect(written).toEqual([19n, 0x40n, 7n, 0x1234n, 0n, 0n]);
  });

  test("an external interrupt is told only when it is acknowledged", () => {
    for (const [acknowledge, information] of [
      [0n, 0n],
      [1n << 15n, 0x80000031n],
    ] as const) {
      const machine = new TestMachine().withCurrent().writeValidGuest();
      const { pinBased, exit } = machine.model;
      machine.vmwrite(Field.PIN_BASED_VM_EXEC_CONTROL, BigInt(pinBased.mustBeOne | 1));
      machine.vmwrite(Field.VM_EXIT_CONTROLS, BigInt((exit.mustBeOne | 0x200) >>> 0) | acknowledge);
      machine.run(0, { op: Op.vmlaunch });
      expect(reasonOf(machine.run(0, { op: Op.interrupt, low: 0x31 }))).toBe(1);
      expect(machine.vmread(Field.VM_EXIT_INTR_INFO)).toBe(information);
    }
  });

  test("a failed entry writes reason with bit 31 and qualification, and leaves the event fields alone (SDM 26.7)", () => {
    const machine = new TestMachine().withCurrent().writeValidGuest();
    machine.vmwrite(Field.VMCS_LINK_POINTER, 0x123n);
    const outcome = machine.run(0, { op: Op.vmlaunch });
    expect([outcome.reason, outcome.entryFailure, outcome.qualificationLow]).toEqual([33, true, 4]);
    expect(machine.vmread(Field.VM_EXIT_REASON)).toBe(0x80000021n);
    expect(machine.vmread(Field.EXIT_QUALIFICATION)).toBe(4n);
    expect(machine.cpu(0).isLaunched(VMCS_A)).toBe(false);
  });

  test("MSR loading fails after the guest state: reason 34, the entry's number as qualification", () => {
    const machine = new TestMachine().withCurrent().writeValidGuest();
    machine.vmwrite(Field.VM_ENTRY_MSR_LOAD_COUNT, 1n);
    machine.vmwrite(Field.VM_ENTRY_MSR_LOAD_ADDR, 0x7000n);
    machine.memory.write32(0x7000, 0xc0000100);
    const outcome = machine.run(0, { op: Op.vmlaunch });
    expect([outcome.reason, outcome.entryFailure, outcome.qualificationLow]).toEqual([34, true, 1]);
    machine.vmwrite(Field.GUEST_RFLAGS, 0n);
    expect(machine.run(0, { op: Op.vmlaunch }).reason).toBe(33);
  });

  test("host state is loaded: CR4 of the host area holds afterwards (SDM 27.5)", () => {
    const machine = entered();
    machine.run(0, { op: Op.vmexit, reason: 12 });
    machine.vmwrite(Field.HOST_CR4, 0x22020n);
    machine.run(0, { op: Op.vmresume });
    machine.run(0, { op: Op.vmexit, reason: 12 });
    machine.run(0, { op: Op.vmxoff });
    expect(machine.run(0, { op: Op.cr4Clear, low: 0x20 }).status).toBe(Status.exception);
    expect(machine.run(0, { op: Op.cr4Clear, low: 0x2000 }).status).toBe(Status.succeed);
  });
});

describe("MSRs (SDM 23.7, appendix A)", () => {
  test("capability MSRs are read-only, others are #GP; IA32_FEATURE_CONTROL takes its bits until it is locked", () => {
    const machine = new TestMachine({ featureControl: 0 });
    expect(machine.run(0, { op: Op.rdmsr, field: 0x480 }).status).toBe(Status.succeed);
    expect(machine.run(0, { op: Op.wrmsr, field: 0x480, low: 1 }).status).toBe(Status.exception);
    expect(machine.run(0, { op: Op.rdmsr, field: 0x10 }).status).toBe(Status.exception);
    expect(machine.run(0, { op: Op.wrmsr, field: 0x3a, low: 4 }).status).toBe(Status.succeed);
    expect(machine.run(0, { op: Op.wrmsr, field: 0x3a, low: 5 }).status).toBe(Status.succeed);
    expect(machine.run(0, { op: Op.wrmsr, field: 0x3a, low: 5 }).status).toBe(Status.exception);
    expect(machine.run(0, { op: Op.rdmsr, field: 0x3a }).low).toBe(5);
  });

  test("a guest's RDMSR and WRMSR exit, unless the MSR bitmaps say no (SDM 25.1.3)", () => {
    const machine = entered();
    expect(reasonOf(machine.run(0, { op: Op.rdmsr, field: 0x480 }))).toBe(31);
    machine.vmwrite(Field.CPU_BASED_VM_EXEC_CONTROL, BigInt((machine.model.primary.mustBeOne | (1 << 28)) >>> 0));
    machine.vmwrite(Field.MSR_BITMAP, 0x20000n);
    machine.memory.write32(0x20800 + (0x3a >> 5) * 4, 1 << (0x3a & 31));
    machine.run(0, { op: Op.vmresume });
    expect(machine.run(0, { op: Op.rdmsr, field: 0x480 }).status).toBe(Status.succeed);
    expect(reasonOf(machine.run(0, { op: Op.wrmsr, field: 0x3a, low: 5 }))).toBe(32);
  });
});

describe("control registers of a guest (SDM 25.1.3)", () => {
  test("a bit that the host owns exits, the others change the guest's register", () => {
    const machine = new TestMachine().withCurrent().writeValidGuest();
    machine.vmwrite(Field.CR4_GUEST_HOST_MASK, 0x2000n);
    machine.vmwrite(Field.CR4_READ_SHADOW, 0n);
    machine.run(0, { op: Op.vmlaunch });
    expect(machine.run(0, { op: Op.cr4Set, low: 4 }).status).toBe(Status.succeed);
    const outcome = machine.run(0, { op: Op.cr4Set, low: 0x2000 });
    expect([reasonOf(outcome), outcome.qualificationLow]).toEqual([28, 4]);
    expect(machine.vmread(Field.GUEST_CR4)).toBe(0x2024n);
  });
});

test("INVEPT and INVVPID: types, reserved bits, VPID 0, addresses, EPT pointer (SDM 30.3)", () => {
  const machine = new TestMachine().withCurrent();
  const result = (op: OpCode, operands: Record<string, number>): number => {
    const outcome = machine.run(0, { op, ...operands });
    return outcome.status === Status.failValid ? outcome.error : outcome.status;
  };
  expect(result(Op.invept, { field: 2 })).toBe(0);
  expect(result(Op.invept, { field: 1, descriptor0Low: 0x1e })).toBe(0);
  expect(result(Op.invept, { field: 1, descriptor0Low: 0x1f })).toBe(28);
  expect(result(Op.invept, { field: 0 })).toBe(28);
  expect(result(Op.invept, { field: 2, fieldHigh: 1 })).toBe(28);
  expect(result(Op.invvpid, { field: 2 })).toBe(0);
  expect(result(Op.invvpid, { field: 1 })).toBe(28);
  expect(result(Op.invvpid, { field: 1, descriptor0Low: 1 })).toBe(0);
  expect(result(Op.invvpid, { field: 1, descriptor0Low: 0x10001 })).toBe(28);
  expect(result(Op.invvpid, { field: 0, descriptor0Low: 1, descriptor1High: 0x8000 })).toBe(28);
  expect(result(Op.invvpid, { field: 0, descriptor0Low: 1, descriptor1High: 0x7fff })).toBe(0);
  expect(result(Op.invvpid, { field: 4, descriptor0Low: 1 })).toBe(28);
});
