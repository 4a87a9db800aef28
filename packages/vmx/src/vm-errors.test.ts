/** Each VM-instruction error number that this processor gives (SDM 30.4), and when no number is given (SDM 30.2). */
import { describe, expect, test } from "vitest";
import { Field } from "./field-encodings.js";
import { type Instruction, Op } from "./instruction.js";
import { Status } from "./outcome.js";
import { TestMachine, VMCS_A, VMCS_B, VMXON_REGION } from "./testing/test-machine.js";

/** The number, which must also be in VM_INSTRUCTION_ERROR; 0 when the instruction did not end in VMfailValid. */
function errorOf(machine: TestMachine, operands: Partial<Instruction>): number {
  const outcome = machine.run(0, operands);
  if (outcome.status !== Status.failValid) return 0;
  const { error } = outcome;
  expect(machine.vmread(Field.VM_INSTRUCTION_ERROR)).toBe(BigInt(error));
  return error;
}

const ready = (model?: string): TestMachine =>
  new TestMachine(model === undefined ? {} : { model }).withCurrent().writeValidGuest();

describe("VM-instruction errors (SDM 30.4)", () => {
  test("1: VMCALL in root operation", () => {
    expect(errorOf(ready(), { op: Op.vmcall })).toBe(1);
  });

  test("2: VMCLEAR with an address that is misaligned or too wide", () => {
    expect(errorOf(ready(), { op: Op.vmclear, low: VMCS_B + 0x10 })).toBe(2);
    expect(errorOf(ready(), { op: Op.vmclear, low: VMCS_B, high: 0x100 })).toBe(2);
    expect(errorOf(ready(), { op: Op.vmclear, low: VMCS_B, high: 0x80000000 })).toBe(2);
  });

  test("3: VMCLEAR with the VMXON pointer", () => {
    expect(errorOf(ready(), { op: Op.vmclear, low: VMXON_REGION })).toBe(3);
  });

  test("4: VMLAUNCH of a VMCS that is not clear", () => {
    const machine = ready();
    machine.run(0, { op: Op.vmlaunch });
    machine.run(0, { op: Op.vmexit, reason: 12 });
    expect(errorOf(machine, { op: Op.vmlaunch })).toBe(4);
  });

  test("5: VMRESUME of a VMCS that is not launched", () => {
    expect(errorOf(ready(), { op: Op.vmresume })).toBe(5);
  });

  test("7: VM entry with a bad control field, before the host state", () => {
    const machine = ready();
    machine.vmwrite(Field.PIN_BASED_VM_EXEC_CONTROL, 0n);
    machine.vmwrite(Field.HOST_CR0, 0n);
    expect(errorOf(machine, { op: Op.vmlaunch })).toBe(7);
  });

  test("8: VM entry with a bad host-state field, before the guest state", () => {
    const machine = ready();
    machine.vmwrite(Field.HOST_CR0, 0n);
    machine.vmwrite(Field.GUEST_CR0, 0n);
    expect(errorOf(machine, { op: Op.vmlaunch })).toBe(8);
  });

  test("9: VMPTRLD with an address that is misaligned or too wide", () => {
    expect(errorOf(ready(), { op: Op.vmptrld, low: 1 })).toBe(9);
    expect(errorOf(ready(), { op: Op.vmptrld, low: VMCS_B, high: 0x100 })).toBe(9);
  });

  test("10: VMPTRLD with the VMXON pointer", () => {
    expect(errorOf(ready(), { op: Op.vmptrld, low: VMXON_REGION })).toBe(10);
  });

  test("11: VMPTRLD with another revision identifier, or a shadow VMCS without VMCS shadowing", () => {
    const machine = ready();
    machine.memory.write32(VMCS_B, machine.model.revision ^ 1);
    expect(errorOf(machine, { op: Op.vmptrld, low: VMCS_B })).toBe(11);
    machine.memory.write32(VMCS_B, (machine.model.revision | 0x80000000) >>> 0);
    expect(errorOf(machine, { op: Op.vmptrld, low: VMCS_B })).toBe(11);
    expect(errorOf(machine, { op: Op.vmptrld, low: 0x7f000000 })).toBe(11);
    expect(machine.cpu(0).currentVmcs).toBe(VMCS_A);
  });

  test("12: VMREAD and VMWRITE of a component that the model lacks, or with encoding bits above 31", () => {
    const machine = ready();
    for (const op of [Op.vmread, Op.vmwrite]) {
      expect(errorOf(machine, { op, field: 0x4001 })).toBe(12);
      expect(errorOf(machine, { op, field: Field.TSC_MULTIPLIER })).toBe(12);
      expect(errorOf(machine, { op, field: Field.GUEST_RIP, fieldHigh: 1 })).toBe(12);
    }
  });

  test("13: VMWRITE of a VM-exit information field, unless IA32_VMX_MISC[29] allows it", () => {
    expect(errorOf(ready(), { op: Op.vmwrite, field: Field.VM_EXIT_REASON })).toBe(13);
    expect(errorOf(ready("tigerlake"), { op: Op.vmwrite, field: Field.VM_EXIT_REASON })).toBe(0);
  });

  test("15: VMXON in root operation", () => {
    expect(errorOf(ready(), { op: Op.vmxon, low: 3 })).toBe(15);
  });

  test("26: VM entry right after MOV SS, before the launch state", () => {
    expect(errorOf(ready(), { op: Op.vmresume, movSs: true })).toBe(26);
  });

  test("28: INVEPT and INVVPID with a bad operand", () => {
    expect(errorOf(ready(), { op: Op.invept, field: 0 })).toBe(28);
    expect(errorOf(ready(), { op: Op.invvpid, field: 9 })).toBe(28);
  });
});

describe("how VMX instructions report (SDM 30.2)", () => {
  test("without a current VMCS every failure is VMfailInvalid", () => {
    const machine = new TestMachine();
    machine.vmxon();
    const failing: readonly Partial<Instruction>[] = [
      { op: Op.vmcall },
      { op: Op.vmclear, low: 1 },
      { op: Op.vmptrld, low: 1 },
      { op: Op.vmread, field: 0x4001 },
      { op: Op.vmwrite, field: Field.GUEST_RIP },
      { op: Op.vmlaunch, movSs: true },
      { op: Op.vmxon, low: VMXON_REGION },
      { op: Op.invept, field: 0 },
    ];
    expect(failing.map((operands) => machine.run(0, operands).status)).toEqual(failing.map(() => Status.failInvalid));
  });

  test("an instruction that succeeds leaves the number of the last failure", () => {
    const machine = ready();
    machine.run(0, { op: Op.vmptrld, low: 1 });
    machine.vmptrld(VMCS_A);
    machine.vmwrite(Field.GUEST_RIP, 1n);
    expect(machine.vmread(Field.VM_INSTRUCTION_ERROR)).toBe(9n);
  });

  test("the number is that of the VMCS that is current, and stays with it", () => {
    const machine = ready();
    machine.run(0, { op: Op.vmptrld, low: 1 });
    machine.vmclear(VMCS_B);
    machine.vmptrld(VMCS_B);
    expect(machine.vmread(Field.VM_INSTRUCTION_ERROR)).toBe(0n);
    machine.vmclear(VMCS_A);
    machine.vmptrld(VMCS_A);
    expect(machine.vmread(Field.VM_INSTRUCTION_ERROR)).toBe(9n);
  });
});
